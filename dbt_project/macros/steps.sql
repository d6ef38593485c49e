{#- How exact values are counted: values in steps of the indicator's resolution, a quotient's exposure on one grid. -#}

{#- Steps of exposure in one unit of it. -#}
{% macro exposure_steps_per_unit() -%}
    1000000
{%- endmacro %}

{#- Whether the statistic is a sum over a sum: a rate's events over their exposure, a ratio's two items. -#}
{% macro is_quotient(statistic) -%}
    {{ statistic }} in ('rate', 'ratio')
{%- endmacro %}

{#- Whether the statistic is a place in the distribution: then no difference of means is its effect. -#}
{% macro is_quantile(statistic) -%}
    {{ statistic }} in ('median', 'quantile')
{%- endmacro %}

{#- False where no indicator of the registry is one, so that people are not read for it; true where it is not known. -#}
{% macro may_have_quantiles() -%}
    {%- if not execute or load_relation(source('registry', 'indicators')) is none -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set query = 'select 1 from ' ~ source('registry', 'indicators') ~ ' where quantile is not null limit 1' -%}
    {{ return('true' if registry_rows(query) else 'false') }}
{%- endmacro %}

{#- The indicator's unit per step of its means: a quotient divides steps of events by steps of exposure. -#}
{% macro unit_per_step(statistic, resolution) -%}
    case when {{ is_quotient(statistic) }} then {{ exposure_steps_per_unit() }} else 1 end * {{ resolution }}::double
{%- endmacro %}
