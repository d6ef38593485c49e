-- What one more participant cost: the difference of costs over that of participants, from one stage's average site to
-- the next stage's, and at a site from one wave of the analysis to the next.
with ordered as (
    select
        *,
        if(point = 'stage', 'stages', 'waves') as curve,
        if(point = 'stage', wave, name) as line,
        if(point = 'stage', list_position(['pilot', 'scale_pilot', 'scaled'], stage), wave_order) as place
    from {{ ref('int_cost_points') }}
    where point = 'site' or stage in ('pilot', 'scale_pilot', 'scaled')
),

steps as (
    select
        analysis,
        wave,
        curve,
        if(curve = 'stages', 'network', name) as site,
        lag(if(curve = 'stages', stage, wave)) over line_of as from_point,
        if(curve = 'stages', stage, wave) as to_point,
        site_count,
        lag(total_cost) over line_of as from_total_cost,
        total_cost as to_total_cost,
        lag(n) over line_of as from_n,
        n as to_n
    from ordered
    window line_of as (partition by analysis, curve, line order by place)
)

select
    *,
    case when to_n <> from_n then (to_total_cost - from_total_cost) / (to_n - from_n) end as value
from steps
where from_point is not null
order by analysis, wave, curve, site, to_point
