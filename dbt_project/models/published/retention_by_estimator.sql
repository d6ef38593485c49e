{%- set sides = ['pilot', 'scaled'] %}
with protected as (
    select
        retention.*,
        {% for side in sides -%}
            {{ suppress_count('retention.' ~ side ~ '_n_treatment', side ~ '_pool.is_hidden') }}
                as {{ side }}_n_treatment_shown,
            {{ suppress_count('retention.' ~ side ~ '_n_control', side ~ '_pool.is_hidden') }}
                as {{ side }}_n_control_shown,
        {% endfor -%}
        coalesce(pilot_pool.has_hidden_site, false) or coalesce(scaled_pool.has_hidden_site, false) as is_partly_hidden,
        {{ is_small('retention.pilot_n_treatment') }} or {{ is_small('retention.pilot_n_control') }}
        or {{ is_small('retention.scaled_n_treatment') }} or {{ is_small('retention.scaled_n_control') }}
        or coalesce(pilot_pool.is_hidden, false) or coalesce(scaled_pool.is_hidden, false)
        or (is_partly_hidden and not retention.is_headline)
            as is_suppressed,
        {{ suppressed_words('people in an arm') }} as suppressed_words,
        {{ estimand_words(
            "(analyses.is_randomised and retention.design_group = 'randomised')",
            "case retention.estimator when 'network' then null when 'fixed_wald' then 'precision_weighted'
                when 'eligible_weighted_mean' then 'person_weighted' else 'site_mean' end",
            "case when retention.estimator in ('equal_mean', 'eligible_weighted_mean', 'fixed_wald', 'network')
                then 'these_sites' else 'population_of_sites' end"
        ) }} as estimand,
        {{ effect_unit('retention.measure', 'indicators.unit') }} as effect_unit
    from {{ ref('int_retention_by_estimator') }} as retention
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    {{ with_hidden_pools(sides) }}
)

select
    analysis,
    indicator,
    wave,
    measure,
    effect_unit,
    estimator,
    is_headline,
    design_group,
    {%- for side in sides %}
        {%- for number in ['estimate', 'se', 'df', 'low', 'high'] %}
            {{ unless_suppressed(side ~ '_' ~ number) }} as {{ side }}_{{ number }},
        {%- endfor %}
        {{ side }}_site_count::integer as {{ side }}_site_count,
        {{ side }}_n_treatment_shown as {{ side }}_n_treatment,
        {{ side }}_n_control_shown as {{ side }}_n_control,
    {%- endfor %}
    -- a set without bounds is printed by no method
    {%- set numbers = pair_numbers() + ['contrast_z', 'change_z'] %}
    {%- for number in numbers if 'shape' not in number and 'excluded' not in number %}
        {%- if number.startswith(('ratio', 'log_ratio', 'voltage')) %}
            {%- set own_set = 'retention_set_normal' if number.endswith('_normal') else 'retention_set' %}
            case when {{ own_set }} = 'bounded' and not is_suppressed then {{ number }} end as {{ number }},
        {%- else %}
            {{ unless_suppressed(number) }} as {{ number }},
        {%- endif %}
    {%- endfor %}
    retention_set,
    retention_set_normal,
    {{ unless_suppressed('retention_shape') }} as retention_shape,
    {{ unless_suppressed('retention_shape_normal') }} as retention_shape_normal,
    {{ unless_suppressed('change_verdict') }} as change_verdict,
    margin,
    note,
    estimand,
    {{ comparability_class('protected', stages=['pilot', 'scaled']) }} as comparability_class,
    is_suppressed,
    case
        when is_suppressed then suppressed_words
        when why_missing is null and retention is null then 'the 95% set of the retention is not bounded'
        else why_missing
    end as why_missing
from protected
