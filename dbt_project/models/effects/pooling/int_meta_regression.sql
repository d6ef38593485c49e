-- Which sites have larger effects: each pool's site effects regressed on what is registered of the sites, one moderator
-- at a time, and together where the analysis registers that. y_i = b0 + b'x_i + u_i + e_i, u ~ tau2 by REML, errors of
-- Knapp and Hartung (2003), t with k - m - 1; ten sites for each moderator, or no number. An association over sites,
-- which were not randomised to what they are like.
with sites as (
    select
        p.pool_id,
        p.analysis,
        unnest(p.sites) as site,
        unnest(p.y) as y,
        unnest(p.v) as v
    from {{ ref('int_pools') }} as p
    inner join {{ source('registry', 'indicators') }} as i on p.indicator = i.indicator and p.measure = i.effect_scale
    where p.dimension = 'all'
),

moderators as (
    select
        site,
        'log_eligible' as moderator,
        ln(eligible_count) as x
    from {{ source('registry', 'sites') }}
    where eligible_count > 0
    union all
    select
        site,
        'government' as moderator,
        (lower(implementer) = 'government')::double as x
    from {{ source('registry', 'sites') }}
    where implementer is not null
    union all
    from {{ source('registry', 'site_covariates') }}
),

designs as (
    select
        a.analysis,
        'alone' as model,
        m.moderator as design,
        m.moderator,
        1 as moderator_order
    from {{ source('registry', 'analyses') }} as a
    cross join (select distinct moderator from moderators) as m
    union all
    select
        analysis,
        'together' as model,
        '' as design,
        moderator,
        moderator_order
    from {{ source('registry', 'analysis_moderators') }}
),

-- a site enters where every moderator of the model is known of it
rows as (
    select
        s.pool_id,
        d.model,
        d.design,
        s.site,
        s.y,
        s.v,
        list(m.x order by d.moderator_order) filter (where m.x is not null) as x,
        count(*) as asked,
        list(d.moderator order by d.moderator_order) as names
    from sites as s
    inner join designs as d on s.analysis = d.analysis
    left join moderators as m on s.site = m.site and d.moderator = m.moderator
    group by s.pool_id, d.model, d.design, s.site, s.y, s.v
),

regressions as (
    select
        pool_id,
        model,
        design,
        any_value(names) as names,
        any_value(asked) as moderator_count,
        count(*) filter (where len(x) = asked) as site_count,
        list(y order by v, site) filter (where len(x) = asked) as y,
        list(v order by v, site) filter (where len(x) = asked) as v,
        flatten(list(x order by v, site) filter (where len(x) = asked)) as x
    from rows
    group by pool_id, model, design
    having site_count > 0
),

enough as (
    select
        pool_id,
        design,
        row_number() over (order by pool_id, design) as regression,
        y,
        v,
        x
    from regressions
    where site_count >= 10 * moderator_count
),

alone as (
    select
        regression as pool_id,
        y,
        v
    from enough
),

centred as ({{ precise_first('alone') }}),

variances as ({{ likelihood_tau2('centred') }}),

fits as (
    select
        e.pool_id,
        e.design,
        t.tau2 as tau2_without,
        mixed_effects_regression(e.y, e.v, e.x) as fit
    from enough as e
    left join variances as t on e.regression = t.pool_id and t.is_converged
),

slopes as (
    select
        r.pool_id,
        r.model,
        r.site_count,
        r.moderator_count,
        unnest(range(1, r.moderator_count + 1)) as place,
        r.names[place] as moderator,
        r.site_count - r.moderator_count - 1 as free,
        f.tau2_without,
        f.fit,
        f.fit[2] = 1 as is_converged
    from regressions as r
    left join fits as f on r.pool_id = f.pool_id and r.design = f.design
)

select
    s.pool_id,
    p.analysis,
    p.indicator,
    p.wave,
    p.stage,
    p.design_group,
    p.measure,
    model,
    moderator,
    site_count,
    moderator_count,
    case when is_converged then fit[4 + place] end as estimate,
    case when is_converged then fit[5 + moderator_count + place] end as estimate_se,
    case when is_converged then free::double end as df,
    estimate - t_quantile(0.975, free) * estimate_se as estimate_low,
    estimate + t_quantile(0.975, free) * estimate_se as estimate_high,
    estimate / nullif(estimate_se, 0) as test_statistic,
    case when estimate_se > 0 then 2 * t_cdf(-abs(estimate / estimate_se), free) end as p_value,
    case when is_converged then fit[4] end as intercept,
    case when is_converged then fit[5 + moderator_count] end as intercept_se,
    case when is_converged then fit[1] end as tau2_left,
    case when is_converged then tau2_without end as tau2_without,
    case when tau2_without > 0 then greatest(0, 1 - tau2_left / tau2_without) * 100 end as tau2_explained_pct,
    case
        when site_count < 10 * moderator_count then 'too_few_sites'
        when fit is null then 'no_variation'
        when not is_converged then 'no_convergence'
        else 'estimated'
    end as state,
    case state
        when 'too_few_sites'
            then site_count || ' sites have it, ' || 10 * moderator_count || ' or more are asked for'
        when 'no_variation' then 'the sites are alike in it, or it goes with the other moderators'
        when 'no_convergence' then 'the iteration for tau2 did not settle'
    end as why_missing
from slopes as s
inner join {{ ref('int_pools') }} as p on s.pool_id = p.pool_id
order by s.pool_id, model, moderator
