-- The headline answer as sites came in: the effect of a pool's first site, its first two, and so on, in the order in
-- which treatment started at them (sites of one day by name).
select
    p.analysis,
    p.indicator,
    p.wave,
    p.stage,
    p.design_group,
    p.measure,
    c.* exclude (part),
    p.started[list_position(p.sites, c.site)] as started_date
from {{ ref('int_partial_pools') }} as c
inner join {{ ref('int_pools') }} as p on c.pool_id = p.pool_id
where c.part = 'up_to'
order by c.pool_id, c.turn
