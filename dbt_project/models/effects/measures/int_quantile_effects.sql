-- Treatment minus control of a registered quantile. Variance: those of the arms (int_arm_quantiles: Woodruff's
-- half-widths), less twice their covariance where clusters hold both arms: r se_1 se_0, with r that of the two shares,
-- sum_c z_c1 z_c0 / (se(F_1) se(F_0)). Degrees of freedom after Satterthwaite. Blocks are not removed: a difference of
-- marginal quantiles, descriptive only.
{%- set numbers = ['value_steps', 'se_steps', 'share_se', 'df', 'cluster_count', 'scores', 'n', 'why_no_error'] %}
with sides as (
    select
        f.fit_id,
        f.step,
        f.block_count,
        f.adjustment_note,
        f.n_treatment,
        f.n_control,
        i.grid_step is not null as is_grid,
        {%- for side in ['treatment', 'control'] %}
            {%- for number in numbers %}
                {{ side }}.{{ number }} as {{ side }}_{{ number }},
            {%- endfor %}
        {%- endfor %}
        coalesce(treatment.n, 0) = f.n_treatment and coalesce(control.n, 0) = f.n_control as has_rows
    from {{ ref('int_fits') }} as f
    inner join {{ source('registry', 'indicators') }} as i on f.indicator = i.indicator
    inner join {{ source('registry', 'analyses') }} as a on f.analysis = a.analysis
    {%- for side in ['treatment', 'control'] %}
        left join {{ ref('int_arm_quantiles') }} as {{ side }}
            on
                f.analysis = {{ side }}.analysis and f.indicator = {{ side }}.indicator and f.wave = {{ side }}.wave
                and f.site = {{ side }}.site and f.stage = {{ side }}.stage and f.dimension = {{ side }}.dimension
                and f.level = {{ side }}.level and {{ side }}.arm = a.{{ side }}_arm
    {%- endfor %}
    where f.is_quantile
),

shared as (
    select
        t.fit_id,
        sum(t.score['z'] * c.score['z'] order by t.score['cluster']) as products
    from (
        select
            fit_id,
            unnest(treatment_scores) as score
        from sides
    ) as t
    inner join (
        select
            fit_id,
            unnest(control_scores) as score
        from sides
    ) as c
        on t.fit_id = c.fit_id and t.score['cluster'] = c.score['cluster']
    group by t.fit_id
),

variances as (
    select
        s.*,
        s.treatment_se_steps ** 2 as v1,
        s.control_se_steps ** 2 as v0,
        v1 + v0 - 2 * coalesce(
            h.products / nullif(s.treatment_share_se * s.control_share_se, 0), 0
        ) * s.treatment_se_steps * s.control_se_steps as v
    from sides as s
    left join shared as h on s.fit_id = h.fit_id
)

select
    fit_id,
    'quantile_difference' as measure,
    case when is_grid then 'quantile_grid_woodruff' else 'quantile_exact_woodruff' end as estimator,
    true as is_own,
    case when has_rows then (treatment_value_steps - control_value_steps) * step end as estimate,
    case when estimate is not null and v > 0 then sqrt(v) * step end as estimate_se,
    (v1 + v0) ** 2 / (v1 ** 2 / treatment_df + v0 ** 2 / control_df) as df,
    treatment_cluster_count as clusters_1,
    control_cluster_count as clusters_0,
    nullif(
        concat_ws(
            '; ',
            adjustment_note,
            case when block_count > 1 then 'blocks are not removed: the arms'' quantiles over all blocks' end
        ), ''
    ) as adjustment_note,
    case
        when least(n_treatment, n_control) = 0 then null
        when not has_rows then 'needs rows: moments do not tell a quantile'
        else coalesce(treatment_why_no_error, control_why_no_error)
    end as why_no_error
from variances
order by fit_id
