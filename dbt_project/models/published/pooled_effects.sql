{%- set numbers = ['estimate', 'estimate_se', 'df', 'estimate_low', 'estimate_high', 'test_statistic', 'p_value'] %}
{#- Each of these would be one more equation for the effect of a hidden site. -#}
{%- set spread_numbers = [
    'tau2', 'tau2_se',
    'tau2_qprofile_low', 'tau2_qprofile_high', 'q', 'q_df', 'p_q', 'i2_q_pct', 'h2_q', 'i2_tau2_pct', 'h2_tau2',
    'i2_qprofile_low_pct', 'i2_qprofile_high_pct', 'pi_z_low', 'pi_z_high', 'pi_hts_low', 'pi_hts_high', 'pi_knha_low',
    'pi_knha_high', 'p_next_above_zero', 'p_next_above_smallest', 'next_site_note', 'largest_weight_pct',
] %}
-- What the gates withheld of a stage is the same for each of its estimators; what it could do is each one's own.
with withheld as (
    select
        analysis,
        indicator,
        wave,
        stage,
        design_group,
        any_value(withheld_site_pct) as withheld_site_pct,
        any_value(100.0 * withheld_unit_count / nullif(unit_count, 0)) as withheld_unit_pct
    from {{ ref('int_withheld_pools') }}
    group by all
),

protected as (
    select
        pooled.* exclude (withheld_sites, excluded_sites, why_missing, n_treatment, n_control),
        {{ plain_reason('pooled.withheld_sites') }} as withheld_sites,
        {{ plain_reason('pooled.excluded_sites') }} as excluded_sites,
        {{ plain_reason('pooled.why_missing') }} as why_missing,
        pooled.dimension = 'all' and pooled.measure = indicators.effect_scale as is_whole,
        coalesce(withheld.withheld_site_pct, 0) as withheld_site_pct,
        case
            when programme.is_public then coalesce(withheld.withheld_unit_pct, 0)
            else round(coalesce(withheld.withheld_unit_pct, 0))
        end as withheld_unit_pct,
        (1 - bounds.withheld_share) * pooled.estimate_low - bounds.withheld_share * bounds.span as bounded_low,
        (1 - bounds.withheld_share) * pooled.estimate_high + bounds.withheld_share * bounds.span as bounded_high,
        {{ estimand_words(
            "(analyses.is_randomised and pooled.design_group = 'randomised')", 'pooled.unit', 'pooled.inference'
        ) }} as estimand,
        {{ effect_unit('pooled.measure', 'indicators.unit') }} as effect_unit,
        {{ suppress_count('pooled.n_treatment', 'hidden.is_hidden') }} as n_treatment,
        {{ suppress_count('pooled.n_control', 'hidden.is_hidden') }} as n_control,
        coalesce(hidden.has_hidden_site, false) as is_partly_hidden,
        {{ is_small('pooled.n_treatment') }} or {{ is_small('pooled.n_control') }} or coalesce(hidden.is_hidden, false)
        or (is_partly_hidden and not (pooled.is_headline and pooled.measure = indicators.effect_scale))
            as is_suppressed,
        {{ suppressed_words('people in an arm') }} as suppressed_words
    from {{ ref('int_pooled_effects') }} as pooled
    left join {{ ref('int_hidden_pools') }} as hidden
        using (analysis, indicator, wave, stage, design_group, dimension, level, measure)
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    left join withheld using (analysis, indicator, wave, stage, design_group)
    left join {{ ref('int_withheld_pools') }} as bounds using (
        analysis, indicator, wave, stage, design_group, measure, estimator
    )
)

select
    analysis,
    indicator,
    wave,
    stage,
    design_group,
    dimension,
    level,
    measure,
    estimator,
    unit,
    inference,
    population,
    is_headline,
    effect_unit,
    site_count::integer as site_count,
    n_treatment,
    n_control,
    {%- for number in numbers %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    {%- for number in spread_numbers %}
        case when not (is_suppressed or is_partly_hidden) then {{ number }} end as {{ number }},
    {%- endfor %}
    basis,
    withheld_sites,
    case when is_whole then withheld_site_pct end as withheld_site_pct,
    case when is_whole then withheld_unit_pct end as withheld_unit_pct,
    case when is_whole and not is_suppressed then bounded_low end as bounded_low,
    case when is_whole and not is_suppressed then bounded_high end as bounded_high,
    excluded_sites,
    {{ unless_suppressed('interval_note') }} as interval_note,
    estimand,
    {{ comparability_class('protected', stage='stage') }} as comparability_class,
    quality_verdict,
    is_suppressed,
    case when is_suppressed then suppressed_words else why_missing end as why_missing
from protected
