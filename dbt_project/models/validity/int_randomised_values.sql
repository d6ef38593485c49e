-- Everybody who was assigned by lot, counted by what became of them: one row per value (null where the outcome is
-- missing) in a cluster of an arm. A rows model, the only one that attrition, trimming and spillover need; sites that
-- send moments do not tell their missing. Replacements were not assigned by lot and do not make up for the lost.
with dated as (
    select distinct
        round,
        unit_key,
        wave
    from {{ ref('int_frame') }}
    where wave is not null
),

limited as (
    select distinct analysis
    from {{ source('registry', 'analysis_cohorts') }}
),

questions as (
    select distinct
        g.analysis,
        g.indicator,
        g.wave,
        g.member as site,
        a.round,
        a.treatment_arm,
        a.control_arm,
        a.adjust,
        a.clusters,
        r.design,
        limited.analysis is not null as is_limited
    from {{ ref('int_validity_groups') }} as g
    inner join {{ source('registry', 'analyses') }} as a on g.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on g.member = r.site
    left join limited on g.analysis = limited.analysis
),

units as (
    select
        q.analysis,
        q.indicator,
        q.wave,
        q.site,
        f.arm = q.treatment_arm as is_treated,
        case when q.adjust = 'block' then coalesce(f.block_id, '') else '' end as block_id,
        case q.clusters
            when 'site' then q.site
            when 'cluster' then coalesce(f.cluster_id, case when q.design = 'cluster_rct' then q.site || '|unnamed' end)
        end as cluster_id,
        o.value_steps,
        o.baseline_steps,
        coalesce(d.disposition = 'dead', false) as is_dead,
        coalesce(f.frame = 'derived', false) as is_derived
    from questions as q
    inner join {{ ref('int_frame') }} as f
        on
            q.round = f.round
            and q.site = f.site
            and coalesce(f.wave, q.wave) = q.wave
            and f.arm in (q.treatment_arm, q.control_arm)
            and not f.is_replacement
    left join dated on f.round = dated.round and f.unit_key = dated.unit_key and q.wave = dated.wave
    left join {{ source('registry', 'analysis_cohorts') }} as c on q.analysis = c.analysis and f.cohort = c.cohort
    left join {{ ref('int_outcomes') }} as o
        on q.indicator = o.indicator and q.wave = o.wave and f.unit_key = o.unit_key
    left join {{ ref('int_dispositions') }} as d on f.unit_key = d.unit_key and q.wave = d.wave
    where
        (f.wave is not null or dated.unit_key is null)
        and (not q.is_limited or c.cohort is not null)
)

select
    analysis,
    indicator,
    wave,
    site,
    is_treated,
    block_id,
    cluster_id,
    value_steps,
    is_dead,
    count(*) as n,
    count(baseline_steps) as baseline_n,
    coalesce(sum(baseline_steps::hugeint), 0)::decimal(38, 0) as baseline_sum,
    coalesce(sum(baseline_steps::hugeint * baseline_steps), 0)::decimal(38, 0) as baseline_squares,
    bool_or(is_derived) as is_derived
from units
group by all
order by all
