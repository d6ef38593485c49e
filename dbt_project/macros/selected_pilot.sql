{#- The standard error of the normal whose 95% interval is the estimate's t interval. -#}
{% macro inflated_se(estimate_se, df) -%}
    {{ estimate_se }} * t_quantile(0.975, {{ df }}) / normal_quantile(0.975)
{%- endmacro %}
