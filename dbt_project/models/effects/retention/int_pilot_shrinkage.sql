-- The pilot as its sites' effects are drawn together (empirical Bayes), beside the raw one; only from five
-- exchangeable pilots, the sites of one pool, since fewer do not tell how much pilots differ. With B = v / (v + tau2),
-- tau2 and mu by REML over the pilot's sites, and p the weights by which the analysis counts sites (alike, or by
-- eligible people):
--     mean      sum p (B mu + (1 - B) y)
--     variance  sum p^2 tau2 B + (sum p B)^2 se(mu)^2
-- Where sites count alike that mean is mu itself: shrinking undoes luck between sites, the best of them above all, and
-- not a rule that let the whole pilot through; that is int_pilot_selection's. t with one degree of freedom fewer than
-- pilots, as tau2 comes from them (an approximation); retention is Fieller's set, as for the raw pilot.
{%- set key = 'analysis, indicator, wave' %}
with asked as (
    select
        c.analysis,
        c.indicator,
        c.wave,
        c.estimator,
        c.pilot_site_count,
        c.sign * c.b as scaled,
        c.sb,
        c.dfb,
        a.unit,
        p.pool_id
    from {{ ref('int_retention_claims') }} as c
    inner join {{ source('registry', 'analyses') }} as a on c.analysis = a.analysis
    left join {{ ref('int_pools') }} as p
        on
            c.analysis = p.analysis and c.indicator = p.indicator and c.wave = p.wave and c.measure = p.measure
            and c.design_group = p.design_group and p.stage = 'pilot' and p.dimension = 'all'
    where c.is_complete
),

drawn as (
    select
        a.* exclude (unit, pool_id),
        any_value(e.estimate_se) as mean_se,
        any_value(s.tau2) as tau2,
        {%- set weight = "if(a.unit = 'person_weighted', r.eligible_count::double, 1)" %}
        sum({{ weight }} order by s.site) as mass,
        sum({{ weight }} * s.shrunken order by s.site) / mass as mean,
        sum({{ weight }} * s.shrinkage order by s.site) / mass as mean_shrinkage,
        sum({{ weight }} ** 2 * s.tau2 * s.shrinkage order by s.site) / mass ** 2 as own_variance
    from asked as a
    left join {{ ref('int_shrunken_effects') }} as s
        on a.pool_id = s.pool_id and s.method = 'reml' and a.pilot_site_count >= 5 and a.estimator <> 'network'
    left join {{ ref('int_pool_estimates') }} as e on s.pool_id = e.pool_id and e.estimator = 'reml_wald'
    left join {{ source('registry', 'sites') }} as r on s.site = r.site
    group by all
),

errors as (
    select
        *,
        sqrt(own_variance + (mean_shrinkage * mean_se) ** 2) as mean_error,
        case when mean_error > 0 then pilot_site_count - 1 end::double as df,
        t_quantile(0.975, least(df, dfb)) as q
    from drawn
),

sets as (
    select
        *,
        {{ fieller('set', '', 'mean', 'mean_error', 'scaled', 'sb', 'q') }}
    from errors
)

select
    {{ key }},
    tau2 as pilot_eb_tau2,
    mean_shrinkage * 100 as pilot_eb_shrinkage_pct,
    case when df is not null then mean end as pilot_eb_estimate,
    case when df is not null then mean_error end as pilot_eb_se,
    df as pilot_eb_df,
    mean - t_quantile(0.975, df) * mean_error as pilot_eb_low,
    mean + t_quantile(0.975, df) * mean_error as pilot_eb_high,
    case when df is not null then set_set end as retention_eb_set,
    case when set_set = 'bounded' then scaled / mean end as retention_eb,
    set_low as retention_eb_low,
    set_high as retention_eb_high,
    case
        when df is not null then null
        when estimator = 'network' then 'empirical Bayes needs effects by site: here all sites of a stage are one trial'
        when pilot_site_count < 5
            then
                'empirical Bayes needs five exchangeable pilots: there '
                || if(pilot_site_count = 1, 'is 1', 'are ' || pilot_site_count::varchar)
        when mean is null then 'empirical Bayes: the iteration for tau2 over the pilots did not settle'
        else 'empirical Bayes: the pilots'' effects have no error left'
    end as why_not_eb
from sets
order by {{ key }}
