-- noqa: disable=LT02
{#- Indicators over a repeat: what a record's rows of it add up to, or why that is not known. -#}

{#- The repeats of a root table that indicators count or sum over, each with the items used; an item is taken from the
    first repeat that asks it. -#}
{% macro repeats_of(table, tables, all_items, indicators) -%}
    {%- set wanted = [] -%}
    {%- for indicator in indicators if indicator.over_repeat is not none -%}
        {%- do wanted.append(item_of(indicator, 'value')) -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for repeat in tables if repeat.source == table.source and repeat.lake_table != table.lake_table -%}
        {%- set used = [] -%}
        {%- for item in items_of(all_items, repeat) if item.item in wanted -%}
            {%- do used.append(item) -%}
            {%- do wanted.remove(item.item) -%}
        {%- endfor -%}
        {%- if used -%}{%- do found.append({'table': repeat, 'items_used': used}) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- A repeat's rows for each root record: per item how many are answered, their sum, and the state that spoils each. A
    sum of which a part is missing would be too small, so it is none; a blank row is no row to be counted. -#}
{% macro repeat_sums(repeat, tables) -%}
    (
        select
            _sw_root_record_id
            {%- for item in repeat.items_used %}
            {%- set state = sql_name(item.item ~ '__state') %},
            count(*) filter (where {{ state }} = 'answered') as {{ sql_name('repeat__' ~ item.item ~ '__count') }},
            sum({{ sql_name(item.item ~ '__number') }}) as {{ sql_name('repeat__' ~ item.item ~ '__sum') }},
            max({{ state }}) filter (where {{ state }} not in ('answered', 'blank'))
                as {{ sql_name('repeat__' ~ item.item ~ '__count_why') }},
            coalesce(
                max({{ state }}) filter (where {{ state }} <> 'answered'),
                case when count({{ sql_name(item.item ~ '__number') }}) < count(*) then 'unreadable' end
            ) as {{ sql_name('repeat__' ~ item.item ~ '__sum_why') }}
            {%- endfor %}
        from {{ typed_cells(repeat.table, tables, repeat.items_used) }} as rows_of_repeat
        group by _sw_root_record_id
    )
{%- endmacro %}

{#- What a record's repeat gives: none of it is zero, for the interview asked for the rows and there were none. -#}
{% macro repeat_number(indicator, item, repeated) -%}
    {%- if item in repeated -%}
        cast(coalesce({{ sql_name('repeat__' ~ item ~ '__' ~ indicator.over_repeat) }}, 0) as decimal(38, 12))
    {%- else -%}
        cast(null as decimal(38, 12))
    {%- endif -%}
{%- endmacro %}

{#- A source that brought no such repeat did not ask: that is not the same as none. -#}
{% macro repeat_why(indicator, item, repeated) -%}
    {%- if item in repeated -%}
        {{ sql_name('repeat__' ~ item ~ '__' ~ indicator.over_repeat ~ '_why') }}
    {%- else -%}
        'not_asked'
    {%- endif -%}
{%- endmacro %}
