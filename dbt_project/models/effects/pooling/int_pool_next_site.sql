-- How likely the next site's effect is to be a benefit, and one that matters, if it resembles the sites of the pool:
-- only from ten sites, in the registered direction, tau2 averaged over (macro next_site).
with pools as (
    select
        c.*,
        sqrt(t.tau2 + h.typical_v) as scale,
        case when i.direction = 'lower_is_better' then -1 else 1 end as sign,
        [0, case when p.measure = i.effect_scale then i.smallest_effect end]::double[] as bars
    from ({{ precise_first(ref('int_pools')) }}) as c
    inner join {{ ref('int_pools') }} as p on c.pool_id = p.pool_id
    inner join {{ source('registry', 'indicators') }} as i on p.indicator = i.indicator
    inner join {{ ref('int_pool_tau2') }} as t on c.pool_id = t.pool_id and t.method = 'reml' and t.is_converged
    inner join {{ ref('int_pool_heterogeneity') }} as h on c.pool_id = h.pool_id
    where c.k >= 10
)

select
    pool_id,
    passes[1] as p_next_above_zero,
    passes[2] as p_next_above_smallest
from ({{ next_site('pools') }})
order by pool_id
