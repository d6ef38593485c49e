{#- The pairs of terms whose weighted products the moments hold: the upper triangle of a Gram matrix. -#}
{% macro term_pairs() %}
    {%- set terms = ['one', 'outcome', 'baseline', 'exposure'] -%}
    {%- set pairs = [] -%}
    {%- for first in terms -%}
        {%- for second in terms[loop.index0:] -%}
            {%- do pairs.append((first, second)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(pairs) }}
{% endmacro %}
