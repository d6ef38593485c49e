{#- What is done to an answer before it counts, in words; null where it counts as it is. The relations are
    registry.indicators and one that gives the unit in which its answers are wanted. -#}
{% macro value_rule(indicators, wanted_unit) -%}
    nullif(concat_ws('; ',
        case
            when {{ indicators }}.threshold_low is not null or {{ indicators }}.threshold_high is not null
                then 'yes where ' || concat_ws(' and ',
                    case when {{ indicators }}.is_low_included then 'at least ' else 'above ' end
                    || {{ plain_decimal(indicators ~ '.threshold_low') }},
                    case when {{ indicators }}.is_high_included then 'at most ' else 'below ' end
                    || {{ plain_decimal(indicators ~ '.threshold_high') }}
                ) || coalesce(' ' || {{ wanted_unit }}, '')
        end,
        case
            when {{ indicators }}.winsor_frozen_on is not null
                then 'kept ' || concat_ws(' and ',
                    'from ' || {{ plain_decimal(indicators ~ '.winsor_low') }} || ' on',
                    'up to ' || {{ plain_decimal(indicators ~ '.winsor_high') }}
                ) || ', fixed on ' || {{ indicators }}.winsor_frozen_on || ' (' || {{ indicators }}.winsor_ground || ')'
        end,
        case {{ indicators }}.transform when 'log' then 'natural log' when 'asinh' then 'inverse hyperbolic sine' end,
        'standardised by numbers fixed on ' || {{ indicators }}.index_frozen_on || ' (' || {{ indicators }}.index_ground || ')',
        case when {{ indicators }}.is_change then 'less the baseline of the same unit' end
    ), '')
{%- endmacro %}
