-- noqa: disable=LT02
{#- Records that break a rule over answers, by their keys: read again only where a rule is broken at all. -#}

{#- Records of one lake table that break one of `terms`, by site code and wave. -#}
{% macro rule_examples_of(table, tables, items, terms) -%}
    select
        {{ sql_text(table.source) }} as source, site_code, wave, record_id,
        unnest(list_filter(broken, lambda rule: rule is not null)) as rule
    from (
        select
            _sw_site_code as site_code,
            _sw_wave as wave,
            _sw_root_record_id as record_id,
            [
                {%- for term in terms %}
                case
                    when coalesce(try({{ term.applicable_sql }}), true) and coalesce(try({{ term.violation_sql }}), true)
                        then {{ sql_text(term.rule) }}
                end{{ ',' if not loop.last }}
                {%- endfor %}
            ] as broken
        from {{ typed_cells(table, tables, items) }} as cells
        where _sw_disposition = 'complete'
    )
{%- endmacro %}

{#- Those of every survey's lake table, of the rules that `violated`, a query, names. -#}
{% macro rule_examples(violated) -%}
    {%- set tables = lake_tables(roles=['survey'], is_root_only=false) -%}
    {%- set all_items = lake_items() -%}
    {%- set inputs = registry_rows('select * from ' ~ source('registry', 'rule_inputs')) -%}
    {%- set query -%}
        select distinct rule, source, lake_table, violation_sql, coalesce(applicable_sql, 'true') as applicable_sql
        from {{ source('registry', 'rule_terms') }}
        where rule in ({{ violated }})
        order by source, lake_table, rule, violation_sql
    {%- endset -%}
    {%- set all_terms = registry_rows(query) -%}
    {%- set branches = [] -%}
    {%- if execute -%}
        {%- for table in tables -%}
            {%- set terms = items_of(all_terms, table) -%}
            {%- if terms -%}
                {%- do branches.append(
                    rule_examples_of(table, tables, items_read_by(inputs, all_items, table), terms)
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'source': 'varchar', 'site_code': 'varchar', 'wave': 'varchar', 'record_id': 'varchar', 'rule': 'varchar'
    }) }}
{%- endmacro %}
