with protected as (
    select
        pooled.* exclude (withheld_sites),
        {{ plain_reason('pooled.withheld_sites') }} as withheld_sites,
        totals.quality_verdict,
        totals.basis,
        {{ estimand_words('analyses.is_randomised', 'pooled.unit', 'pooled.inference') }} as estimand,
        {{ effect_unit('pooled.measure', 'indicators.unit') }} as effect_unit,
        {{ suppress_count('totals.n_treatment') }} as n_treatment,
        {{ suppress_count('totals.n_control') }} as n_control,
        {{ is_small('totals.n_treatment') }} or {{ is_small('totals.n_control') }} as is_suppressed,
        {{ suppressed_words('people in an arm') }} as suppressed_words
    from {{ ref('int_pooled_effects') }} as pooled
    cross join {{ source('registry', 'programme') }} as programme
    left join {{ ref('int_stage_totals') }} as totals
        using (analysis, indicator, wave, stage, dimension, level)
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
)

select
    analysis,
    indicator,
    wave,
    stage,
    dimension,
    level,
    measure,
    estimator,
    unit,
    inference,
    is_headline,
    effect_unit,
    site_count::integer as site_count,
    n_treatment,
    n_control,
    {{ unless_suppressed('estimate') }} as estimate,
    {{ unless_suppressed('estimate_se') }} as estimate_se,
    {{ unless_suppressed('df') }} as df,
    {{ unless_suppressed('estimate_low') }} as estimate_low,
    {{ unless_suppressed('estimate_high') }} as estimate_high,
    case
        when not is_suppressed and estimate_se > 0 then 2 * t_cdf(-abs(estimate / estimate_se), df)
    end as p_value,
    {{ unless_suppressed('tau2') }} as tau2,
    {{ unless_suppressed('q') }} as q,
    {{ unless_suppressed('i2_q_pct') }} as i2_q_pct,
    {{ unless_suppressed('i2_tau2_pct') }} as i2_tau2_pct,
    {{ unless_suppressed('prediction_hts_low') }} as prediction_hts_low,
    {{ unless_suppressed('prediction_hts_high') }} as prediction_hts_high,
    {{ unless_suppressed('largest_weight_pct') }} as largest_weight_pct,
    basis,
    withheld_sites,
    {{ unless_suppressed('interval_note') }} as interval_note,
    estimand,
    {{ comparability_class() }} as comparability_class,
    quality_verdict,
    is_suppressed,
    case when is_suppressed then suppressed_words else why_missing end as why_missing
from protected
