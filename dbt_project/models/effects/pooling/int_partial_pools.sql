-- The headline estimate of a part of a pool's sites, tau2 estimated anew: without each site in turn, and up to each
-- site in the order in which their treatment started (then by name). For everyone, on the indicator's effect scale.
with orders as (
    select
        *,
        -- the turn of each site of the list, from 1
        list_grade_up(list_grade_up(
            list_transform(list_zip(started, sites), lambda p: coalesce(p[1]::varchar, '~') || ' ' || p[2])
        )) as turns
    from (
        select
            p.*,
            a.unit,
            a.inference,
            generate_series(1, len(p.y)) as places
        from {{ ref('int_pools') }} as p
        inner join {{ source('registry', 'analyses') }} as a on p.analysis = a.analysis
        inner join {{ source('registry', 'indicators') }} as i
            on p.indicator = i.indicator and p.measure = i.effect_scale
        where p.dimension = 'all' and len(p.y) >= 1
    ) as listed
),

parts as (
    select
        *,
        unnest(['without', 'up_to']) as part
    from (
        select
            *,
            unnest(places) as place
        from orders
    ) as placed
),

kept as (
    select
        *,
        turns[place] as turn,
        case part
            when 'without' then list_filter(places, lambda i: i <> place)
            else list_filter(places, lambda i: turns[i] <= turns[place])
        end as kept
    from parts
),

chosen as materialized (
    select
        row_number() over (order by pool_id, part, place) as pool_id,
        pool_id as of_pool,
        part,
        sites[place] as site,
        turn,
        len(kept) as site_count,
        list_select(y, kept) as y,
        list_select(v, kept) as v,
        list_select(df, kept) as df,
        list_select(eligible, kept) as eligible,
        {{ headline_estimator('unit', 'inference', 'len(kept)') }} as estimator
    from kept
),

centred as materialized ({{ precise_first('chosen') }}),

random as (
    select c.*
    from centred as c
    inner join chosen as p on c.pool_id = p.pool_id
    where p.estimator like 'reml%'
),

variances as ({{ likelihood_tau2('random') }}),

weighted as (
    select
        c.*,
        p.df,
        t.tau2,
        case when p.estimator like 'reml%' then 'reml' else p.estimator end as weighting,
        case
            when p.estimator = 'equal_mean' then list_transform(c.v, lambda x: 1.0::double)
            when p.estimator = 'eligible_weighted_mean' then p.eligible
            when t.tau2 is not null then list_transform(c.v, lambda x: 1 / (x + coalesce(t.tau2, 0)))
        end as w
    from centred as c
    inner join chosen as p on c.pool_id = p.pool_id
    left join variances as t on c.pool_id = t.pool_id and t.is_converged
),

means as ({{ pooled_means('weighted') }}),

quantiles as (
    select
        df,
        t_quantile(0.975, df) as t
    from (
        select distinct df
        from means
    ) as dfs
)

select
    c.of_pool as pool_id,
    c.part,
    c.site,
    c.turn,
    c.site_count,
    c.estimator,
    m.inference,
    m.estimate,
    m.estimate_se,
    m.df,
    m.estimate - q.t * m.estimate_se as estimate_low,
    m.estimate + q.t * m.estimate_se as estimate_high,
    m.tau2,
    case
        when c.site_count = 0 then 'the only site: nothing is left without it'
        when m.estimate is null and c.estimator like 'reml%'
            then 'no_convergence: the iteration for tau2 did not settle'
        when m.estimate is null then 'a site''s eligible people are not registered'
        when m.inference = 'these_sites' and m.df < 4 then 'too_few_clusters: fewer than four degrees of freedom'
    end as why_missing
from chosen as c
left join means as m on c.pool_id = m.pool_id and c.estimator = m.estimator
left join quantiles as q on m.df = q.df
order by c.of_pool, c.part, c.turn
