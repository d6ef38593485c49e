-- The smallest true effect that would have been found with a chance of 80% at 5%, two-sided, given the standard error
-- that came out: (t_0.975 + t_0.80) * se, t quantiles at the effect's own degrees of freedom. Powered: no larger than
-- the indicator's registered smallest effect.
with estimates as (
    select
        analysis,
        indicator,
        wave,
        site,
        stage,
        measure,
        estimator,
        estimate_se,
        df
    from {{ ref('int_site_effects') }}
    where is_headline and dimension = 'all'
    union all
    select
        analysis,
        indicator,
        wave,
        'network' as site,
        stage,
        measure,
        estimator,
        estimate_se,
        df
    from {{ ref('int_pooled_effects') }}
    where is_headline and dimension = 'all'
)

select
    e.* exclude (estimate_se),
    (t_quantile(0.975, e.df) + t_quantile(0.80, e.df)) * e.estimate_se as detectable,
    i.smallest_effect,
    case when detectable <= i.smallest_effect then 'powered' when detectable > i.smallest_effect then 'underpowered' end
        as band,
    case when detectable is null then 'no_standard_error' else 'measured' end as state,
    case when detectable is null then 'the effect has no standard error' end as reason
from estimates as e
inner join {{ source('registry', 'indicators') }} as i on e.indicator = i.indicator
order by all
