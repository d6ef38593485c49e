-- What people took up against what the lot gave them: by arm, the share of those assigned and asked who say that they
-- took the treatment up. Told where an analysis names the share that tells it; the survey's own word never moves anyone
-- to another arm.
with asked as (
    select distinct
        s.analysis,
        s.wave,
        s.site as member,
        s.stage,
        s.pool,
        a.round,
        a.treatment_arm,
        a.control_arm,
        a.take_up
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('quality', 'admission') }} as q
        on s.site = q.site and s.wave = q.wave and a.take_up = q.indicator and q.is_admitted
    where s.state = 'included' and s.basis = 'rows'
),

counted as (
    select
        k.analysis,
        k.take_up as indicator,
        k.wave,
        k.member,
        k.stage,
        k.pool,
        f.arm = k.treatment_arm as is_treated,
        count(distinct f.unit_key) as n,
        count(distinct f.unit_key) filter (where o.value_steps > 0) as taken
    from asked as k
    inner join {{ ref('int_frame') }} as f
        on
            k.round = f.round and k.member = f.site and coalesce(f.wave, k.wave) = k.wave
            and f.arm in (k.treatment_arm, k.control_arm) and not f.is_replacement
    inner join {{ ref('int_outcomes') }} as o
        on k.take_up = o.indicator and k.wave = o.wave and f.unit_key = o.unit_key and o.value_steps is not null
    group by all
),

placed as (
    select
        * exclude (stage, pool),
        unnest([
            { 'site': member, 'stage': stage },
            { 'site': 'network', 'stage': pool }
        ]) as taken_together
    from counted
)

select
    analysis,
    indicator,
    wave,
    taken_together['site'] as site,
    taken_together['stage'] as stage,
    case when is_treated then 'treatment' else 'control' end as arm,
    sum(n)::bigint as n,
    sum(taken)::bigint as taken,
    sum(taken)::double / sum(n)::double as take_up_share
from placed
group by all
order by all
