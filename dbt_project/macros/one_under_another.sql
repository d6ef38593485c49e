-- noqa: disable=LT02
{#- Selects laid under one another; without any, a table of these columns (name: type) and no row, so that a programme
    that has not pulled yet compiles. -#}
{% macro one_under_another(branches, columns) -%}
    {%- if branches -%}
        {{ branches | join('\n    union all\n    ') }}
    {%- else -%}
        select
            {%- for name, type in columns.items() %}
            cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
    {%- endif -%}
{%- endmacro %}
