-- Means, shares, rates, totals and quantiles of each arm at each site, before protection. The moments' sums are exact
-- integers (weights in 1e-6, values in steps of the resolution); only the scatter of clusters is in floating point, in
-- order.
{{ config(materialized='ephemeral') }}
{%- set cell = 'analysis, indicator, wave, site, arm, dimension, level' %}
with clusters as (
    select
        {{ cell }},
        cluster_id,
        sum(n) as n,
        sum(mass)::double as mass,
        sum(total)::double as total,
        sum(total_squares)::double as total_squares
    from {{ ref('int_cell_moments') }}
    group by {{ cell }}, cluster_id
),

arms as (
    select
        {{ cell }},
        sum(n) as n,
        count(cluster_id) as cluster_count,
        sum(mass order by cluster_id) as mass,
        sum(total order by cluster_id) as total,
        sum(total order by cluster_id) / sum(mass order by cluster_id) as mean_steps,
        sum(total_squares order by cluster_id) / sum(mass order by cluster_id) as mean_square_steps
    from clusters
    group by {{ cell }}
    having sum(mass) > 0
),

scatter as (
    select
        {{ cell }},
        sum((clusters.total - arms.mean_steps * clusters.mass) ** 2 order by clusters.cluster_id) as between_clusters,
        sum((clusters.total - arms.total / arms.cluster_count) ** 2 order by clusters.cluster_id) as between_totals
    from clusters
    inner join arms using ({{ cell }})
    group by {{ cell }}
),

spread as (
    select
        arms.*,
        case
            when not ({{ is_quotient('statistic') }}) and n > 1
                then sqrt(greatest(mean_square_steps - mean_steps ** 2, 0) * n / (n - 1))
        end as sd_steps,
        case
            when cluster_count > 1 then sqrt(between_clusters * cluster_count / (cluster_count - 1)) / mass
        end as cluster_se_steps,
        case
            when cluster_count > 1 then sqrt(between_totals * cluster_count / (cluster_count - 1)) / 1e6
        end as cluster_total_se_steps,
        mass / 1e6 as people_stood_for,
        statistic,
        unit,
        multiplier,
        quantile::double as quantile,
        grid_step is not null as is_grid,
        {{ unit_per_step('statistic', 'resolution') }} as step,
        total * resolution::double / 1e6 as weighted_total
    from arms
    inner join scatter using ({{ cell }})
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
)

select
    {{ cell }},
    statistic,
    unit,
    spread.n,
    spread.cluster_count,
    -- a sum's value is the arm's total, where clusters of any size add up; its spread stays that among people
    case
        when spread.quantile is not null then quantiles.value_steps * step
        when statistic = 'sum' then weighted_total
        else mean_steps * step
    end as value,
    sd_steps * step as sd,
    case
        when spread.quantile is not null then quantiles.se_steps
        when statistic = 'sum' and spread.cluster_count = 0 then sd_steps / sqrt(spread.n) * people_stood_for
        when statistic = 'sum' then cluster_total_se_steps
        when spread.cluster_count = 0 then sd_steps / sqrt(spread.n)
        else cluster_se_steps
    end * step as value_se,
    case
        when spread.quantile is not null then quantiles.df
        else (case when spread.cluster_count = 0 then spread.n else spread.cluster_count end - 1)::double
    end as df,
    quantiles.low_steps * step as quantile_low,
    quantiles.high_steps * step as quantile_high,
    quantiles.why_no_error,
    spread.quantile,
    spread.is_grid,
    case statistic
        when 'share' then spread.n * mean_steps * step / 100
        when 'rate' then round(weighted_total / multiplier)
    end as events
from spread
left join {{ ref('int_arm_quantiles') }} as quantiles using ({{ cell }})
