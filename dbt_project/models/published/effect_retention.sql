{%- set sides = ['pilot', 'scaled'] %}
{%- set numbers = [
    'retention', 'retention_low', 'retention_high', 'retention_df', 'retention_low_normal', 'retention_high_normal',
    'fieller_g', 'fieller_g_normal', 'replication_low', 'replication_high', 'share_of_draws_kept_pct',
    'share_of_draws_kept_normal_pct', 'change', 'change_se', 'change_df', 'change_low', 'change_high', 'p_change',
    'contrast', 'contrast_se', 'contrast_df', 'p_claim', 'p_claim_holm',
    'pilot_corrected_estimate', 'pilot_corrected_low', 'pilot_corrected_high', 'retention_corrected',
    'retention_corrected_low', 'retention_corrected_high', 'p_claim_corrected', 'p_claim_holm_corrected',
] %}
{#- Each of these would be one more equation for the effect of a hidden site. -#}
{%- set spread_numbers = [
    'p_next_site_above_smallest', 'pilot_eb_tau2', 'pilot_eb_shrinkage_pct', 'pilot_eb_estimate', 'pilot_eb_se',
    'pilot_eb_df', 'pilot_eb_low', 'pilot_eb_high', 'retention_eb', 'retention_eb_low', 'retention_eb_high',
] %}
with protected as (
    select
        retention.*,
        {% for side in sides -%}
            {{ suppress_count('retention.' ~ side ~ '_n_treatment', side ~ '_pool.is_hidden') }}
                as {{ side }}_n_treatment_shown,
            {{ suppress_count('retention.' ~ side ~ '_n_control', side ~ '_pool.is_hidden') }}
                as {{ side }}_n_control_shown,
            {{ side }}.quality_verdict as {{ side }}_quality_verdict,
        {% endfor -%}
        {{ is_small('retention.pilot_n_treatment') }} or {{ is_small('retention.pilot_n_control') }}
        or {{ is_small('retention.scaled_n_treatment') }} or {{ is_small('retention.scaled_n_control') }}
        or coalesce(pilot_pool.is_hidden, false) or coalesce(scaled_pool.is_hidden, false)
            as is_suppressed,
        coalesce(pilot_pool.has_hidden_site, false) or coalesce(scaled_pool.has_hidden_site, false) as is_partly_hidden,
        {{ suppressed_words('people in an arm') }} as suppressed_words,
        {{ estimand_words(
            'analyses.is_randomised',
            "case retention.estimator when 'network' then null
                when 'eligible_weighted_mean' then 'person_weighted' else 'site_mean' end",
            "case when retention.estimator like 'reml%' then 'population_of_sites' else 'these_sites' end"
        ) }} as estimand,
        {{ effect_unit('retention.measure', 'indicators.unit') }} as effect_unit
    from {{ ref('int_effect_retention') }} as retention
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    {%- for side in sides %}
        left join {{ ref('int_stage_quality') }} as {{ side }}
            on
                retention.analysis = {{ side }}.analysis
                and retention.indicator = {{ side }}.indicator
                and retention.wave = {{ side }}.wave
                and {{ side }}.stage = '{{ side }}'
    {%- endfor %}
    {{ with_hidden_pools(sides) }}
)

select
    analysis,
    indicator,
    wave,
    measure,
    effect_unit,
    {%- for side in sides %}
        {{ unless_suppressed(side ~ '_estimate') }} as {{ side }}_estimate,
        {{ unless_suppressed(side ~ '_se') }} as {{ side }}_se,
        {{ unless_suppressed(side ~ '_df') }} as {{ side }}_df,
        {{ unless_suppressed(side ~ '_low') }} as {{ side }}_low,
        {{ unless_suppressed(side ~ '_high') }} as {{ side }}_high,
        {{ side }}_site_count::integer as {{ side }}_site_count,
        {{ side }}_n_treatment_shown as {{ side }}_n_treatment,
        {{ side }}_n_control_shown as {{ side }}_n_control,
    {%- endfor %}
    {%- for number in numbers %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    {%- for number in spread_numbers %}
        case when not (is_suppressed or is_partly_hidden) then {{ number }} end as {{ number }},
    {%- endfor %}
    -- a set without bounds is printed by no method
    {%- for method in ['delta', 'log'] %}
        {%- for bound in ['low', 'high'] %}
            case when retention_set = 'bounded' and not is_suppressed then ratio_{{ bound }}_{{ method }} end
                as retention_{{ bound }}_{{ method }},
        {%- endfor %}
    {%- endfor %}
    {{ unless_suppressed('is_replicated') }} as is_replicated,
    retention_set,
    retention_set_normal,
    retention_corrected_set,
    retention_eb_set,
    why_not_eb,
    margin,
    alpha,
    estimator,
    design_group,
    selection_state,
    verdict,
    verdict_corrected,
    change_verdict,
    change_verdict_corrected,
    portability,
    verdict_words,
    caution,
    look::integer as look,
    is_interim_look,
    pilot_basis,
    scaled_basis,
    nullif(why, '') as note,
    estimand,
    {{ comparability_class('protected', stages=['pilot', 'scaled']) }} as comparability_class,
    case
        when 'warn' in (pilot_quality_verdict, scaled_quality_verdict) then 'warn'
        else coalesce(scaled_quality_verdict, pilot_quality_verdict)
    end as quality_verdict,
    is_suppressed,
    case
        when is_suppressed then suppressed_words
        when contrast_se is null then coalesce(nullif(why, ''), 'one of the two sides has no standard error')
        when retention is null then 'the 95% set of the retention is not bounded'
    end as why_missing
from protected
