{{ config(materialized='view') }}
-- What was known of each unit before treatment, streamed and never stored: its values at the baseline wave, its
-- subgroups as 0 or 1 (of two levels the first alone), its frame's covariates, and for every unit assigned the
-- constant one, named '*'.
-- Chance differences at baseline tell nothing of effects: a site counts as soon as its own baseline is closed.
with limited as (
    select distinct analysis
    from {{ source('registry', 'analysis_cohorts') }}
),

baseline_waves as (
    select
        w.wave,
        s.site,
        s.state
    from {{ source('registry', 'waves') }} as w
    inner join {{ source('registry', 'site_waves') }} as s on w.wave = s.wave
    where w.is_baseline
),

lots as (
    select distinct
        s.analysis,
        s.site,
        a.round,
        a.treatment_arm,
        a.control_arm,
        a.adjust,
        a.clusters,
        r.design,
        b.wave as baseline_wave,
        limited.analysis is not null as is_limited
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on s.site = r.site
    left join baseline_waves as b on s.site = b.site
    left join limited on s.analysis = limited.analysis
    where
        s.basis = 'rows'
        and s.state not in ('no_data', 'not_identified')
        and coalesce(b.state, 'closed') in ('closed', 'frozen')
),

units as (
    select
        l.analysis,
        l.site,
        l.baseline_wave,
        f.round,
        f.unit_key,
        f.arm = l.treatment_arm as is_treated,
        case when l.adjust = 'block' then coalesce(f.block_id, '') else '' end as block_id,
        case l.clusters
            when 'site' then l.site
            when 'cluster' then coalesce(f.cluster_id, case when l.design = 'cluster_rct' then l.site || '|unnamed' end)
        end as cluster_id
    from lots as l
    inner join {{ ref('int_frame') }} as f
        on
            l.round = f.round
            and l.site = f.site
            and f.arm in (l.treatment_arm, l.control_arm)
            and not f.is_replacement
    left join {{ source('registry', 'analysis_cohorts') }} as c on l.analysis = c.analysis and f.cohort = c.cohort
    where (f.wave is null or f.wave = l.baseline_wave) and (not l.is_limited or c.cohort is not null)
),

levels as (
    select
        dimension,
        level,
        count(*) over (partition by dimension) as level_count,
        row_number() over (partition by dimension order by level) as level_order
    from {{ source('registry', 'subgroups') }}
),

told as (
    select
        u.unit_key,
        u.analysis,
        '*' as covariate,
        1::hugeint as value
    from units as u
    union all
    select
        u.unit_key,
        u.analysis,
        o.indicator as covariate,
        o.value_steps::hugeint as value
    from units as u
    inner join {{ ref('int_outcomes') }} as o on u.unit_key = o.unit_key and u.baseline_wave = o.wave
    inner join {{ source('quality', 'admission') }} as q
        on u.site = q.site and o.wave = q.wave and o.indicator = q.indicator and q.is_admitted
    where o.value_steps is not null
    union all
    select
        u.unit_key,
        u.analysis,
        l.dimension || ': ' || l.level as covariate,
        (g.level = l.level)::hugeint as value
    from units as u
    inner join {{ ref('int_subgroups') }} as g on u.round = g.round and u.unit_key = g.unit_key
    inner join levels as l on g.dimension = l.dimension and (l.level_count > 2 or l.level_order = 1)
    union all
    select
        u.unit_key,
        u.analysis,
        c.covariate,
        c.steps::hugeint as value
    from units as u
    inner join {{ ref('int_covariates') }} as c on u.round = c.round and u.unit_key = c.unit_key
    where c.steps is not null
)

select
    u.analysis,
    u.site,
    u.unit_key,
    u.is_treated,
    u.block_id,
    u.cluster_id,
    t.covariate,
    t.value
from units as u
inner join told as t on u.analysis = t.analysis and u.unit_key = t.unit_key
