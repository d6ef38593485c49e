with protected as (
    select
        arm_values.* exclude (value, value_se),
        {{ suppress_count('arm_values.n', 'cells.is_hidden') }} as published_n,
        -- a total beside the mean of its people would tell how many they are: it is that of as many as are told
        case when arm_values.statistic = 'sum' then published_n / arm_values.n else 1 end as told_share,
        arm_values.value * told_share as value,
        arm_values.value_se * told_share as value_se,
        admission.verdict as quality_verdict,
        coalesce(cells.is_hidden, false) as is_hidden,
        {{ suppressed_words() }} as suppressed_words,
        -- so does a quantile beyond which few people lie; it hides its fellow arms too, as an effect would show it
        coalesce(cells.is_value_hidden, false) or bool_or(
            {{ is_small_tail('arm_values.quantile', 'arm_values.n') }}
        ) over (
            partition by
                arm_values.analysis, arm_values.indicator, arm_values.wave, arm_values.site, arm_values.dimension,
                arm_values.level
        ) as is_suppressed
    from {{ ref('int_arm_values') }} as arm_values
    cross join {{ source('registry', 'programme') }} as programme
    left join {{ source('quality', 'admission') }} as admission using (site, wave, indicator)
    left join {{ ref('int_hidden_cells') }} as cells using (
        analysis, indicator, wave, site, dimension, level, arm
    )
)

select
    analysis,
    indicator,
    wave,
    site,
    arm,
    dimension,
    level,
    unit,
    statistic,
    {{ unless_suppressed('value') }} as value,
    {{ unless_suppressed('value_se') }} as value_se,
    {{ unless_suppressed('df') }} as df,
    {{ unless_suppressed('coalesce(quantile_low, value - t_quantile(0.975, df) * value_se)') }} as value_low,
    {{ unless_suppressed('coalesce(quantile_high, value + t_quantile(0.975, df) * value_se)') }} as value_high,
    {{ unless_suppressed('sd') }} as sd,
    published_n as n,
    cluster_count,
    case
        when quantile is not null then 'arm_quantile_' || case when is_grid then 'grid' else 'exact' end
        when statistic = 'sum' then 'arm_total'
        else 'arm_mean'
    end
    || case when cluster_count = 0 then '' else '_by_cluster' end as estimator,
    'the arm''s frame units that were measured at this site' as estimand,
    {{ comparability_class('protected', site='site') }} as comparability_class,
    quality_verdict,
    arm = 'pooled' as is_interim,
    is_suppressed,
    case
        when is_hidden then suppressed_words
        when is_suppressed and quantile is not null then 'suppressed: few people lie beyond this quantile'
        when is_suppressed then 'suppressed: a share that would give a small count away'
        when quantile is not null and n > 0 and value is null and why_no_error is null
            then 'needs rows: moments do not tell a quantile'
        when why_no_error is not null then why_no_error
        when value_se is null then 'no standard error: fewer than two clusters or people'
    end as why_missing
from protected
