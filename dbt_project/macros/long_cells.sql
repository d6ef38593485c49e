-- noqa: disable=LT02
{#- Long cells of every lake table: one row for each record and item that the YAML names or an indicator reads,
    blanks kept, never stored. -#}
{% macro long_cells() -%}
    {%- set tables = lake_tables(is_root_only=false) -%}
    {%- set all_items = lake_items() -%}
    {%- set branches = [] -%}
    {%- if execute -%}
        {%- for table in tables -%}
            {%- set items = items_of(all_items, table) | selectattr('is_measured') | list -%}
            {%- if items -%}
                {%- do branches.append(long_cells_of(table, tables, items)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'source': 'varchar', 'lake_table': 'varchar', 'record_id': 'varchar', 'instrument': 'varchar',
        'item': 'varchar', 'value_text': 'varchar', 'state': 'varchar', 'value_decimal': 'decimal(38, 12)'
    }) }}
{%- endmacro %}

{#- Long cells of one lake table; `among`, a select of record ids, keeps the rest from being read. -#}
{% macro long_cells_of(table, tables, items, among=none) -%}
    select
        {{ sql_text(table.source) }} as source,
        {{ sql_text(table.lake_table) }} as lake_table,
        record_id,
        {{ sql_text(items[0].instrument) }} as instrument,
        item,
        value_text,
        state,
        value_decimal
    from (
        select
            _sw_record_id as record_id
            {%- for item in items %},
            {{ sql_name(item.item ~ '__text') }},
            {{ sql_name(item.item ~ '__state') }},
            {{ sql_name(item.item ~ '__number') }}
            {%- endfor %}
        from {{ typed_cells(table, tables, items) }} as cells
        {%- if among %}
        where _sw_record_id in ({{ among }})
        {%- endif %}
    ) unpivot include nulls (
        (value_text, state, value_decimal) for item in (
            {%- for item in items %}
            (
                {{- sql_name(item.item ~ '__text') }}, {{ sql_name(item.item ~ '__state') -}}
                , {{ sql_name(item.item ~ '__number') }}) as {{ sql_name(item.item) }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
{%- endmacro %}
