-- Each site's effect drawn towards its pool's mean, by as much as its own noise deserves (empirical Bayes), once for
-- each of three estimates of tau2. With B = v / (v + tau2):
--     shrunken     B mu + (1 - B) y, variance tau2 v / (tau2 + v) + B^2 se(mu)^2
--     constrained  mu + sqrt(1 - B) (y - mu): as spread out as the true effects are thought to be (Louis 1984), since
--                  shrunken effects lie too close together
-- Neither ranks sites: the order of shrunken effects is no order of sites.
with sites as (
    select
        pool_id,
        y[1] as centre,
        unnest(sites) as site,
        unnest(y) as y,
        unnest(v) as v
    from {{ ref('int_pools') }}
)

select
    s.pool_id,
    e.weighting as method,
    s.site,
    e.tau2,
    s.v / (s.v + e.tau2) as shrinkage,
    s.centre + (1 - shrinkage) * (s.y - s.centre) + shrinkage * (e.estimate - s.centre) as shrunken,
    sqrt(e.tau2 * shrinkage + (shrinkage * e.estimate_se) ** 2) as shrunken_se,
    e.estimate + sqrt(1 - shrinkage) * (s.y - e.estimate) as constrained
from sites as s
inner join {{ ref('int_pool_estimates') }} as e
    on s.pool_id = e.pool_id and e.estimator in ('dl_wald', 'pm_wald', 'reml_wald')
order by s.pool_id, method, s.site
