-- One row per comparison: its arms' sizes, means and spreads, from exact sums.
-- Sums are moved to a whole-number origin near the mean while still exact, so no offset costs a digit: with values
-- in whole steps around that origin, sum(w y^2) - (sum(w y))^2 / sum(w) loses at most one bit.
with arms as (
    select
        analysis, indicator, wave, site, stage, dimension, level,
        bool_or(cluster_id is not null) as is_clustered,
        count(distinct block_id) as block_count,
        round(sum(total)::double / sum(mass)::double)::decimal(38, 0)::hugeint as origin
        {%- for arm, name in [('is_treated', 'treatment'), ('not is_treated', 'control')] %},
        coalesce(sum(n) filter (where {{ arm }}), 0)::bigint as n_{{ name }},
        sum(weight_sum) filter (where {{ arm }}) as weight_sum_{{ name }},
        sum(mass) filter (where {{ arm }}) as mass_{{ name }},
        sum(total) filter (where {{ arm }}) - origin * sum(mass) filter (where {{ arm }}) as total_{{ name }},
        sum(total_squares) filter (where {{ arm }}) - 2 * origin * sum(total_mass) filter (where {{ arm }})
        + origin * origin * sum(mass_squares) filter (where {{ arm }}) as squares_{{ name }}
        {%- endfor %}
    from {{ ref('int_fit_cells') }}
    group by analysis, indicator, wave, site, stage, dimension, level
)

select
    row_number() over (
        order by a.analysis, a.indicator, a.wave, a.site, a.stage, a.dimension, a.level
    ) as fit_id,
    a.* exclude (squares_treatment, squares_control),
    i.statistic = 'rate' as is_rate,
    -- a rate divides steps of events by exposure in millionths
    case when i.statistic = 'rate' then 1e6 else 1 end * i.resolution::double as step
    {%- for name in ['treatment', 'control'] %},
    a.total_{{ name }}::double / a.mass_{{ name }}::double as centred_mean_{{ name }},
    case
        when i.statistic <> 'rate'
            then greatest(
                a.squares_{{ name }}::double - a.total_{{ name }}::double ** 2 / a.mass_{{ name }}::double, 0
            )
    end as m2_{{ name }},
    m2_{{ name }} / a.mass_{{ name }}::double * a.n_{{ name }} / nullif(a.n_{{ name }} - 1, 0) as variance_{{ name }}
    {%- endfor %},
    (coalesce((a.n_treatment - 1) * variance_treatment, 0) + coalesce((a.n_control - 1) * variance_control, 0))
    / nullif(a.n_treatment + a.n_control - 2, 0) as variance_pooled
from arms as a
inner join {{ source('registry', 'indicators') }} as i on a.indicator = i.indicator
order by fit_id
