{#- How exact values are counted: values in steps of the indicator's resolution, a rate's exposure on one grid. -#}

{#- Steps of exposure in one unit of it. -#}
{% macro exposure_steps_per_unit() -%}
    1000000
{%- endmacro %}

{#- The indicator's unit per step of its means: a rate divides steps of events by steps of exposure. -#}
{% macro unit_per_step(statistic, resolution) -%}
    case when {{ statistic }} = 'rate' then {{ exposure_steps_per_unit() }} else 1 end * {{ resolution }}::double
{%- endmacro %}
