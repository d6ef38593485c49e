{%- set sides = ['pilot', 'scaled'] %}
{%- set numbers = [
    'retention', 'retention_low', 'retention_high', 'retention_df', 'retention_low_normal', 'retention_high_normal',
    'change', 'change_se', 'change_df', 'change_low', 'change_high',
    'contrast', 'contrast_se', 'contrast_df', 'p_claim', 'p_claim_holm',
] %}
with protected as (
    select
        retention.*,
        {% for side in sides -%}
            {{ suppress_count(side ~ '.n_treatment') }} as {{ side }}_n_treatment,
            {{ suppress_count(side ~ '.n_control') }} as {{ side }}_n_control,
            {{ side }}.quality_verdict as {{ side }}_quality_verdict,
            {{ side }}.basis as {{ side }}_basis,
        {% endfor -%}
        {{ is_small('pilot.n_treatment') }} or {{ is_small('pilot.n_control') }}
        or {{ is_small('scaled.n_treatment') }} or {{ is_small('scaled.n_control') }} as is_suppressed,
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
        left join {{ ref('int_stage_totals') }} as {{ side }}
            on
                retention.analysis = {{ side }}.analysis
                and retention.indicator = {{ side }}.indicator
                and retention.wave = {{ side }}.wave
                and {{ side }}.stage = '{{ side }}'
                and {{ side }}.dimension = 'all'
                and {{ side }}.level = 'all'
    {%- endfor %}
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
        {{ side }}_n_treatment,
        {{ side }}_n_control,
    {%- endfor %}
    {%- for number in numbers %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    retention_set,
    retention_set_normal,
    margin,
    estimator,
    verdict,
    change_verdict,
    verdict_words,
    pilot_basis,
    scaled_basis,
    nullif(why, '') as note,
    estimand,
    {{ comparability_class() }} as comparability_class,
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
