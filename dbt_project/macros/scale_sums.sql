-- noqa: disable=LT02
{#- Sums of the items of every scale, over those who answered all of them, for its reliability: one wide scan of each
    lake table. Points are counted in millionths; in integers, so that sums are exact in any order. -#}

{#- One branch for every root table that asks items of a scale. The relation is int_measurements. -#}
{% macro scale_sums(measurements) -%}
    {%- set scales = indicator_definitions() | selectattr('statistic', 'in', ['scale_sum', 'scale_mean']) | list -%}
    {%- set branches = [] -%}
    {%- if execute and scales -%}
        {%- set tables = lake_tables(roles=['survey']) -%}
        {%- set all_items = lake_items() | selectattr('is_measured') | list -%}
        {%- set factors = unit_factors() -%}
        {%- for table in tables -%}
            {%- set own = scales | selectattr('instrument', 'equalto', table.instrument) | list -%}
            {%- if own -%}
                {%- do branches.append(scale_sums_of(table, tables, all_items, own, factors, measurements)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'site': 'varchar', 'wave': 'varchar', 'indicator': 'varchar', 'item': 'varchar', 'n': 'bigint',
        'total': 'hugeint', 'squares': 'hugeint'
    }) }}
{%- endmacro %}

{% macro scale_sums_of(table, tables, all_items, scales, factors, measurements) -%}
    {%- set used = [] -%}
    {%- for scale in scales -%}{%- do used.extend(scale.terms | map(attribute='item') | list) -%}{%- endfor -%}
    {%- set items = items_of(all_items, table) | selectattr('item', 'in', used) | list -%}
    {%- set asked = items | map(attribute='item') | list -%}
    select site, wave, sums.indicator, sums.item, sums.n, sums.total, sums.squares
    from (
        with points as (
            select
                measured.site_found as site,
                measured.wave
                {%- for scale in scales %}
                {%- for term in scale.terms %}
                {%- set worth = worth_of(factors, table, scale, 'component', term.item) -%}
                {%- set number = worth_times(term_number(term.item, asked), worth) %},
                {{ as_steps('(' ~ scale_point(scale, term, number) ~ ')', '1000000', 15) }}::hugeint
                    as {{ sql_name(scale.indicator ~ '__' ~ loop.index) }}
                {%- endfor %}
                {%- endfor %}
            from {{ typed_cells(table, tables, items) }} as cells
            inner join {{ measurements }} as measured
                on measured.source = {{ sql_text(table.source) }} and cells._sw_record_id = measured.record_id
            where measured.is_in_frame
        ),
        complete as (
            select
                site,
                wave
                {%- for scale in scales %}
                {%- set columns = [] -%}
                {%- for term in scale.terms -%}
                    {%- do columns.append(sql_name(scale.indicator ~ '__' ~ loop.index)) -%}
                {%- endfor %},
                {{ columns | join(' + ') }} as {{ sql_name(scale.indicator ~ '__0') }}
                {%- for column in columns %},
                case when {{ columns | join(' + ') }} is not null then {{ column }} end as {{ column }}
                {%- endfor %}
                {%- endfor %}
            from points
        )
        select
            site,
            wave,
            unnest([
                {%- for scale in scales %}
                {%- set scale_loop = loop %}
                {%- for number in range(scale.terms | length + 1) %}
                {%- set column = sql_name(scale.indicator ~ '__' ~ number) %}
                {
                    'indicator': {{ sql_text(scale.indicator) }},
                    'item': {{ sql_text(scale.terms[number - 1].item if number else '') }},
                    'n': count({{ column }}),
                    'total': sum({{ column }}),
                    'squares': sum({{ column }} * {{ column }})
                }{{ ',' if not (loop.last and scale_loop.last) }}
                {%- endfor %}
                {%- endfor %}
            ]) as sums
        from complete
        group by site, wave
    )
{%- endmacro %}
