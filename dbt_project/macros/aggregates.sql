-- noqa: disable=LT02
{#- Sources that send no rows of people: their tables of the lake, under one another, as text. -#}

{#- The columns of every source of a role, each a column of the lake without its prefix; none where there is none. -#}
{% macro aggregate_rows(role, columns) -%}
    {%- set branches = [] -%}
    {%- if execute -%}
        {%- for table in lake_tables(roles=[role]) -%}
            {%- set branch -%}
    select
        {{ sql_text(table.source) }} as source,
        _sw_record_id as record_id,
        {{ site_code_key('_sw_site_code') }} as site_code
        {%- for column in columns %},
        _sw_{{ column }} as {{ column }}
        {%- endfor %}
    from {{ lake_file(table.path) }}
            {%- endset -%}
            {%- do branches.append(branch) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set types = {'source': 'varchar', 'record_id': 'varchar', 'site_code': 'varchar'} -%}
    {%- for column in columns -%}{%- do types.update({column: 'varchar'}) -%}{%- endfor -%}
    {{ one_under_another(branches, types) }}
{%- endmacro %}

{#- A number as sent, exact to twelve places; null where it is blank or cannot be read. -#}
{% macro sent_decimal(column) -%}
    try_cast({{ column }} as decimal(38, 12))
{%- endmacro %}

{#- Whether any of these was sent and cannot be read as a number. -#}
{% macro any_unreadable(relation, columns) -%}
    {%- for column in columns %}
    {%- set name = relation ~ '.' ~ column %}
        {{ 'or ' if not loop.first }}({{ name }} is not null and {{ sent_decimal(name) }} is null)
    {%- endfor %}
{%- endmacro %}
