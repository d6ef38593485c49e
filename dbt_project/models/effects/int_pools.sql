-- The sites whose effects are pooled together: one row per question, stage, subgroup and measure, effects as lists in
-- order of site. A pool whose sites all fell away keeps its row, so that it can say why it is empty.
with stages as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.pool as stage,
        string_agg(s.site || ': ' || s.reason, '; ' order by s.site)
        filter (where s.state in ('withheld', 'not_comparable')) as withheld_sites,
        bool_or(s.state = 'interim') as is_interim,
        bool_or(s.state <> 'not_comparable') as has_comparable
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    where a.level = 'site' and s.state in ('included', 'withheld', 'interim', 'not_comparable')
    group by s.analysis, s.indicator, s.wave, s.pool
),

members as (
    select
        e.analysis,
        e.indicator,
        e.wave,
        s.pool as stage,
        e.dimension,
        e.level,
        e.measure,
        list(e.estimate order by e.site) as y,
        list(e.estimate_se ** 2 order by e.site) as v,
        list(e.df order by e.site) as df,
        list(r.eligible_count::double order by e.site) as eligible
    from {{ ref('int_site_effects') }} as e
    inner join {{ ref('int_analysis_sites') }} as s
        on e.analysis = s.analysis and e.indicator = s.indicator and e.wave = s.wave and e.site = s.site
    inner join {{ source('registry', 'sites') }} as r on e.site = r.site
    where e.estimator <> 'two_sample_welch' and e.estimate_se is not null
    group by e.analysis, e.indicator, e.wave, s.pool, e.dimension, e.level, e.measure
)

select
    row_number() over (order by p.analysis, p.indicator, p.wave, p.stage, m.dimension, m.level, m.measure) as pool_id,
    p.*,
    coalesce(m.dimension, 'all') as dimension,
    coalesce(m.level, 'all') as level,
    coalesce(m.measure, i.effect_scale) as measure,
    coalesce(m.y, []) as y,
    coalesce(m.v, []) as v,
    coalesce(m.df, []) as df,
    case when not list_contains(list_transform(m.eligible, lambda x: x is null), true) then m.eligible end as eligible
from stages as p
inner join {{ source('registry', 'indicators') }} as i on p.indicator = i.indicator
left join members as m
    on p.analysis = m.analysis and p.indicator = m.indicator and p.wave = m.wave and p.stage = m.stage
order by pool_id
