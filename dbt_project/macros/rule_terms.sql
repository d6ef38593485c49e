-- noqa: disable=LT02
{#- Rules over answers, counted in one scan for each lake table: every rule is two `count_if` in one wide aggregate,
    and only that small result is turned long. -#}

{#- Counts of one lake table by site code and wave; `terms` are its rows of registry.rule_terms. An expression that
    cannot be evaluated on a row counts as a violation there, and never stops the others. -#}
{% macro rule_counts_of(table, tables, items, terms) -%}
    select
        {{ sql_text(table.source) }} as source, site_code, wave, rule, violations, denominator
    from (
        select
            _sw_site_code as site_code,
            _sw_wave as wave
            {%- for term in terms %},
            cast(count_if(
                coalesce(try({{ term.applicable_sql }}), true) and coalesce(try({{ term.violation_sql }}), true)
            ) as bigint) as "violations_{{ loop.index }}",
            cast(count_if(coalesce(try({{ term.applicable_sql }}), true)) as bigint)
                as "denominator_{{ loop.index }}"
            {%- endfor %}
        from {{ typed_cells(table, tables, items) }} as cells
        where _sw_disposition = 'complete'
        group by _sw_site_code, _sw_wave
    ) unpivot include nulls (
        (violations, denominator) for rule in (
            {%- for term in terms %}
            ("violations_{{ loop.index }}", "denominator_{{ loop.index }}") as {{ sql_name(term.rule) -}}
            {{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
{%- endmacro %}

{#- The items that a lake table's terms read, its own and those of the rows it repeats under, among all. -#}
{% macro items_read_by(inputs, all_items, table) -%}
    {%- set items = [] -%}
    {%- for input in items_of(inputs, table) -%}
        {%- do items.extend(
            all_items | selectattr('source', 'equalto', table.source)
            | selectattr('lake_table', 'equalto', input.from_table) | selectattr('item', 'equalto', input.item)
        ) -%}
    {%- endfor -%}
    {{ return(items) }}
{%- endmacro %}

{#- Counts of every survey's lake table that has terms; back-checks answer the same questions, and count for none. -#}
{% macro rule_counts() -%}
    {%- set tables = lake_tables(roles=['survey'], is_root_only=false) -%}
    {%- set all_items = lake_items() -%}
    {%- set inputs = registry_rows('select * from ' ~ source('registry', 'rule_inputs')) -%}
    {%- set query -%}
        select distinct rule, source, lake_table, violation_sql, coalesce(applicable_sql, 'true') as applicable_sql
        from {{ source('registry', 'rule_terms') }}
        order by source, lake_table, rule, violation_sql
    {%- endset -%}
    {%- set all_terms = registry_rows(query) -%}
    {%- set branches = [] -%}
    {%- if execute -%}
        {%- for table in tables -%}
            {%- set terms = items_of(all_terms, table) -%}
            {%- if terms -%}
                {%- do branches.append(rule_counts_of(table, tables, items_read_by(inputs, all_items, table), terms)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'source': 'varchar', 'site_code': 'varchar', 'wave': 'varchar', 'rule': 'varchar',
        'violations': 'bigint', 'denominator': 'bigint'
    }) }}
{%- endmacro %}
