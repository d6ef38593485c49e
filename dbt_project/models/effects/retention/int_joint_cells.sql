-- The cell of people each unit belongs to: its levels in all dimensions registered for an indicator together. A unit
-- that lacks one of them is in no cell.
with asked as (
    select distinct indicator
    from {{ ref('int_retention_claims') }}
    where is_complete
),

registered as (
    select
        d.*,
        count(*) over (partition by d.indicator) as dimension_count
    from {{ source('registry', 'indicator_subgroups') }} as d
    inner join asked as a on d.indicator = a.indicator
)

select
    d.indicator,
    g.round,
    g.unit_key,
    string_agg(g.level, ' and ' order by d.dimension) as cell
from registered as d
inner join {{ ref('int_subgroups') }} as g on d.dimension = g.dimension
group by d.indicator, g.round, g.unit_key, d.dimension_count
having count(*) = d.dimension_count
order by d.indicator, g.round, g.unit_key
