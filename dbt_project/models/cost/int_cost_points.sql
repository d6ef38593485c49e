-- Cost against scale, C against N: each site by each wave of an analysis, and each stage's average site. Every
-- site that the analysis asks counts, whatever became of its outcomes; a point needs both numbers. N is the count as
-- published, so that a curve gives no hidden count away; sites whose count is hidden are no points.
{%- set key = 'analysis, wave, wave_order' %}
with points as (
    select distinct
        m.analysis,
        m.wave,
        m.wave_order,
        m.member as site,
        m.stage,
        m.total_cost,
        {{ suppress_count('m.participants') }} as n
    from {{ ref('int_cost_members') }} as m
    cross join {{ source('registry', 'programme') }} as programme
    where m.site <> 'network' and m.total_cost > 0 and m.participants > 0
)

select {{ key }}, 'site' as point, site as name, stage, total_cost, n::double as n, 1 as site_count
from points
where n > 0
union all
select
    {{ key }},
    'stage' as point,
    stage as name,
    stage,
    sum(total_cost order by site) / count(*) as total_cost,
    sum(n) / count(*) as n,
    count(*) as site_count
from points
where n > 0
group by {{ key }}, stage
order by analysis, wave, point, name
