-- Dimensions whose levels lie within the levels of another, as districts do in regions, by the family they form. What
-- is told of one then tells of the others. Read from the people themselves, and only where counts are protected.
with recursive levels as (
    select
        fine.dimension as fine,
        fine.level,
        coarse.dimension as coarse,
        count(distinct coarse.level) as coarse_levels,
        min(coarse.level) as coarse_level
    from {{ ref('int_subgroups') }} as fine
    inner join {{ ref('int_subgroups') }} as coarse
        on fine.round = coarse.round and fine.unit_key = coarse.unit_key and fine.dimension <> coarse.dimension
    cross join {{ source('registry', 'programme') }} as programme
    where not programme.is_public
    group by all
),

nested as (
    select
        fine,
        coarse
    from levels
    group by fine, coarse
    having max(coarse_levels) = 1 and min(coarse_level) < max(coarse_level)
),

related as (
    select
        fine as dimension,
        coarse as relative
    from nested
    union
    select
        coarse as dimension,
        fine as relative
    from nested
    union
    select
        related.dimension,
        if(related.relative = nested.fine, nested.coarse, nested.fine) as relative
    from related
    inner join nested on related.relative in (nested.fine, nested.coarse)
)

select
    dimension,
    min(relative) as family
from related
group by dimension
order by dimension
