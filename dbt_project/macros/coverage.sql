-- noqa: disable=LT02
{#- What became of every cell of the lake, counted wide in one scan for each lake table. -#}

{#- What is counted in a lake table: its items, and its columns that no item reads. -#}
{% macro counted_columns(table, items, columns) -%}
    {%- set counted = [] -%}
    {%- for item in items -%}
        {%- do counted.append({
            'name': item.questions | join(' | '), 'item': sql_text(item.item), 'role': 'item',
            'text': sql_name(item.item ~ '__text'), 'state': sql_name(item.item ~ '__state')
        }) -%}
    {%- endfor -%}
    {%- for column in columns -%}
        {%- do counted.append({
            'name': column.column_name, 'item': 'cast(null as varchar)', 'role': 'unmapped',
            'text': trimmed('lake.' ~ sql_name(column.column_name)), 'state': "'unmapped'"
        }) -%}
    {%- endfor -%}
    {{ return(counted) }}
{%- endmacro %}

{#- One relation's cells counted: a list of counts for each column, laid under one another. -#}
{% macro cell_counts_of(table, relation, counted) -%}
    select
        {{ sql_text(table.source) }} as source,
        {{ sql_text(table.lake_table) }} as lake_table,
        case column_number
            {%- for column in counted %} when 'c{{ loop.index }}' then {{ sql_text(column.name) }}{% endfor %} end as column_name,
        case column_number
            {%- for column in counted %} when 'c{{ loop.index }}' then {{ column.item }}{% endfor %} end as item,
        {{ sql_text(counted[0].role) }} as role,
        answered_count, missing_code_count, blank_count, unreadable_count, unmapped_count
    from (
        select
            {%- for column in counted %}
            {%- set index = loop.index %}
            {%- for state in ('answered', 'missing_code', 'unreadable', 'unmapped') %}
            cast(count_if({{ column.text }} is not null and {{ column.state }} = '{{ state }}') as bigint)
                as {{ state }}_{{ index }},
            {%- endfor %}
            cast(count_if({{ column.text }} is null) as bigint) as blank_{{ index }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }} as lake
    ) unpivot include nulls (
        (answered_count, missing_code_count, blank_count, unreadable_count, unmapped_count) for column_number in (
            {%- for column in counted %}
            {%- set index = loop.index %}
            (answered_{{ index }}, missing_code_{{ index }}, blank_{{ index }}, unreadable_{{ index }}, unmapped_{{ index }})
                as c{{ index }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
{%- endmacro %}

{#- The cells of items that only a form's definition names. A form may have hundreds, which no model types: each
    column is counted by itself, also where an item has several, by as few counts as its type needs. -#}
{% macro form_counts_of(table, items) -%}
    {%- set columns = [] -%}
    {%- for item in items -%}
        {%- for question in item.questions -%}
            {%- do columns.append({'name': question, 'item': item}) -%}
        {%- endfor -%}
    {%- endfor -%}
    select
        {{ sql_text(table.source) }} as source,
        {{ sql_text(table.lake_table) }} as lake_table,
        case column_number
            {%- for column in columns %} when 'c{{ loop.index }}' then {{ sql_text(column.name) }}{% endfor %}
        end as column_name,
        case column_number
            {%- for column in columns %} when 'c{{ loop.index }}' then {{ sql_text(column.item.item) }}{% endfor %}
        end as item,
        'item' as role,
        cast(filled_count - missing_code_count - unreadable_count as bigint) as answered_count,
        cast(missing_code_count as bigint) as missing_code_count,
        cast(row_count - filled_count as bigint) as blank_count,
        cast(unreadable_count as bigint) as unreadable_count,
        cast(0 as bigint) as unmapped_count
    from (
        select
            count(*) as row_count
            {%- for column in columns %}
            {%- set item = column.item %}
            {%- set text = sql_name(column.name) %}
            {%- set is_typed = is_numeric(item) or item.item_type in ('boolean', 'date') %},
            count({{ text }}) as filled_{{ loop.index }},
            {{ 'count_if(' ~ cell_is_missing_code(item, text) ~ ')' if item.missing_codes else 'cast(0 as bigint)' }}
                as missing_{{ loop.index }},
            {{ "count_if(" ~ cell_state(item, text) ~ " = 'unreadable')" if is_typed else 'cast(0 as bigint)' }}
                as unreadable_{{ loop.index }}
            {%- endfor %}
        from (
            select
                {%- for column in columns %}
                {{ trimmed(sql_name(column.name)) }} as {{ sql_name(column.name) }}{{ ',' if not loop.last }}
                {%- endfor %}
            from {{ lake_file(table.path) }}
        )
    ) unpivot include nulls (
        (filled_count, missing_code_count, unreadable_count) for column_number in (
            {%- for column in columns %}
            {%- set index = loop.index %}
            (filled_{{ index }}, missing_{{ index }}, unreadable_{{ index }}) as c{{ index }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
{%- endmacro %}

{#- Counts of every lake table. -#}
{% macro cell_counts() -%}
    {%- set tables = lake_tables(is_root_only=false) -%}
    {%- set all_items = lake_items() -%}
    {%- set query -%}
        select source, lake_table, column_name
        from {{ source('registry', 'lake_columns') }}
        where role = 'unmapped'
        order by source, lake_table, column_order, column_name
    {%- endset -%}
    {%- set unmapped = registry_rows(query) -%}
    {%- set branches = [] -%}
    {%- if execute -%}
        {%- for table in tables -%}
            {%- set own_items = items_of(all_items, table) -%}
            {%- set items = own_items | selectattr('is_measured') | list -%}
            {%- set form_items = own_items | rejectattr('is_measured') | list -%}
            {%- set columns = items_of(unmapped, table) -%}
            {%- if items -%}
                {%- do branches.append(cell_counts_of(
                    table, typed_cells(table, tables, items), counted_columns(table, items, [])
                )) -%}
            {%- endif -%}
            {%- if form_items -%}
                {%- do branches.append(form_counts_of(table, form_items)) -%}
            {%- endif -%}
            {%- if columns -%}
                {%- do branches.append(
                    cell_counts_of(table, lake_file(table.path), counted_columns(table, [], columns))
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'source': 'varchar', 'lake_table': 'varchar', 'column_name': 'varchar', 'item': 'varchar',
        'role': 'varchar', 'answered_count': 'bigint', 'missing_code_count': 'bigint', 'blank_count': 'bigint',
        'unreadable_count': 'bigint', 'unmapped_count': 'bigint'
    }) }}
{%- endmacro %}
