-- What each site does to its pool's headline: its weight, the answer without it, and its own effect shrunken towards
-- the others (REML's tau2). In order of site; nothing here ranks sites.
with sites as (
    select
        p.* exclude (sites, y, v, eligible),
        unnest(p.sites) as site,
        unnest(p.y) as y,
        unnest(p.v) as v,
        unnest(coalesce(p.eligible, list_transform(p.y, lambda x: null::double))) as eligible,
        {{ headline_estimator('a.unit', 'a.inference', 'len(p.y)') }} as estimator
    from {{ ref('int_pools') }} as p
    inner join {{ source('registry', 'indicators') }} as i on p.indicator = i.indicator and p.measure = i.effect_scale
    inner join {{ source('registry', 'analyses') }} as a on p.analysis = a.analysis
    where p.dimension = 'all'
),

weights as (
    select
        s.*,
        e.estimate,
        case s.estimator
            when 'equal_mean' then 1
            when 'eligible_weighted_mean' then s.eligible
            else 1 / (s.v + e.tau2)
        end as w
    from sites as s
    left join {{ ref('int_pool_estimates') }} as e on s.pool_id = e.pool_id and s.estimator = e.estimator
)

select
    w.pool_id,
    w.analysis,
    w.indicator,
    w.wave,
    w.stage,
    w.design_group,
    w.measure,
    w.site,
    w.estimator,
    w.y as site_estimate,
    sqrt(w.v) as site_se,
    w.w / nullif(list_sum(list(w.w) over (
        partition by w.pool_id order by w.v, w.site rows between unbounded preceding and unbounded following
    )), 0) * 100 as weight_pct,
    r.estimator as without_estimator,
    r.site_count as without_site_count,
    r.estimate as without,
    r.estimate_se as without_se,
    r.df as without_df,
    r.estimate_low as without_low,
    r.estimate_high as without_high,
    r.tau2 as without_tau2,
    r.estimate - w.estimate as without_change,
    s.shrinkage,
    s.shrunken,
    s.shrunken_se,
    s.constrained,
    r.why_missing
from weights as w
inner join {{ ref('int_partial_pools') }} as r on w.pool_id = r.pool_id and w.site = r.site and r.part = 'without'
left join {{ ref('int_shrunken_effects') }} as s
    on w.pool_id = s.pool_id and w.site = s.site and s.method = 'reml' and w.estimator like 'reml%'
order by w.pool_id, w.site
