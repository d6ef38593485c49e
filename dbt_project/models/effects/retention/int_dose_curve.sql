-- The effect along a dose: what the regression of site effects on one trait of the sites predicts at its least,
-- quartiles and largest value. With w = 1 / (v + tau2), m the trait's weighted mean and S = sum w (x - m)^2, the line's
-- variance at x is q (1 / sum w + (x - m)^2 / S), q = se(slope)^2 S Knapp and Hartung's factor. Ten sites, or none.
with lines as (
    select
        r.*,
        row_number() over (order by r.pool_id, r.moderator) as line
    from {{ ref('int_meta_regression') }} as r
    where r.model = 'alone' and r.state = 'estimated'
),

sites as (
    select
        l.line,
        s.site,
        s.v,
        coalesce(
            c.value,
            case l.moderator
                when 'log_eligible' then ln(e.eligible_count)
                when 'government' then (lower(e.implementer) = 'government')::double
            end
        ) as x,
        1 / (s.v + l.tau2_left) as w
    from lines as l
    inner join (
        select
            pool_id,
            unnest(sites) as site,
            unnest(v) as v
        from {{ ref('int_pools') }}
    ) as s on l.pool_id = s.pool_id
    inner join {{ source('registry', 'sites') }} as e on s.site = e.site
    left join {{ source('registry', 'site_covariates') }} as c on s.site = c.site and l.moderator = c.covariate
),

centres as (
    select
        line,
        list(x order by x) as doses,
        sum(w order by v, site) as total,
        sum(w * x order by v, site) / total as centre
    from sites
    where x is not null
    group by line
),

spreads as (
    select
        s.line,
        sum(s.w * (s.x - c.centre) ** 2 order by s.v, s.site) as spread
    from sites as s
    inner join centres as c on s.line = c.line
    where s.x is not null
    group by s.line
)

select
    l.pool_id,
    l.analysis,
    l.indicator,
    l.wave,
    l.stage,
    l.design_group,
    l.measure,
    l.moderator,
    p.position_pct,
    c.doses[1 + (len(c.doses) - 1) * p.position_pct // 100] as dose,
    l.intercept + l.estimate * dose as predicted,
    l.estimate_se * sqrt(s.spread / c.total + (dose - c.centre) ** 2) as predicted_se,
    l.df,
    predicted - t_quantile(0.975, l.df) * predicted_se as predicted_low,
    predicted + t_quantile(0.975, l.df) * predicted_se as predicted_high
from lines as l
inner join centres as c on l.line = c.line
inner join spreads as s on l.line = s.line
cross join (select unnest([0, 25, 50, 75, 100]) as position_pct) as p
order by l.line, p.position_pct
