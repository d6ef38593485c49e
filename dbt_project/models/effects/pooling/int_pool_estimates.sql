-- Every pool's mean effect by every named estimator: the two of these sites, the fixed effect, and each method of tau2
-- with Wald's, Hartung, Knapp, Sidik and Jonkman's and the truncated standard error (macro pooled_means). Three
-- prediction intervals for a new site's effect, each by its name, from the row's own standard error:
--     pi_z (Wald)          mu +- z sqrt(tau2 + se^2)
--     pi_hts               mu +- t(k - 2) sqrt(tau2 + se^2)   (Higgins, Thompson and Spiegelhalter 2009)
--     pi_knha (HKSJ)       mu +- t(k - 1) sqrt(tau2 + se^2)   (Partlett and Riley 2017)
with pools as (
    select
        c.*,
        p.df,
        p.eligible
    from ({{ precise_first(ref('int_pools')) }}) as c
    inner join {{ ref('int_pools') }} as p on c.pool_id = p.pool_id
),

weighted as (
    select
        *,
        null::double as tau2,
        unnest(['equal_mean', 'eligible_weighted_mean', 'fixed']) as weighting,
        case weighting
            when 'equal_mean' then list_transform(v, lambda x: 1.0::double)
            when 'eligible_weighted_mean' then eligible
            else list_transform(v, lambda x: 1 / x)
        end as w
    from pools
    union all by name
    select
        p.*,
        t.tau2,
        t.method as weighting,
        list_transform(p.v, lambda x: 1 / (x + t.tau2)) as w
    from pools as p
    inner join {{ ref('int_pool_tau2') }} as t on p.pool_id = t.pool_id
    where t.is_converged
),

means as ({{ pooled_means('weighted') }}),

quantiles as (
    select
        df,
        t_quantile(0.975, df) as t
    from (
        select df from means
        union
        select k - 2 as df
        from means
        where k >= 3
    ) as dfs
)

select
    m.pool_id,
    m.weighting,
    m.estimator,
    m.inference,
    m.estimate,
    m.estimate_se,
    m.df,
    m.estimate - q.t * m.estimate_se as estimate_low,
    m.estimate + q.t * m.estimate_se as estimate_high,
    m.estimate / nullif(m.estimate_se, 0) as test_statistic,
    case
        when m.estimate_se > 0 then 2 * t_cdf(-abs(m.estimate / m.estimate_se), m.df)
        when m.estimate <> 0 then 0
    end as p_value,
    m.tau2,
    m.tau2 / (m.tau2 + h.typical_v) * 100 as i2_tau2_pct,
    m.tau2 / h.typical_v + 1 as h2_tau2,
    m.q_scale,
    m.largest_weight_pct,
    sqrt(m.tau2 + m.estimate_se ** 2) as new_site_se,
    case when m.estimator like '%_wald' then m.estimate - q.t * new_site_se end as pi_z_low,
    case when m.estimator like '%_wald' then m.estimate + q.t * new_site_se end as pi_z_high,
    m.estimate - hts.t * new_site_se as pi_hts_low,
    m.estimate + hts.t * new_site_se as pi_hts_high,
    case when m.estimator like '%_hksj%' then m.estimate - q.t * new_site_se end as pi_knha_low,
    case when m.estimator like '%_hksj%' then m.estimate + q.t * new_site_se end as pi_knha_high
from means as m
inner join {{ ref('int_pool_heterogeneity') }} as h on m.pool_id = h.pool_id
inner join quantiles as q on m.df = q.df
left join quantiles as hts on m.k - 2 = hts.df
order by m.pool_id, m.estimator
