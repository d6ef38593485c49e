-- noqa: disable=LT02
{#- What a cell says. The rule is written here once, and every model that reads answers stands on it:
    text: the first question of the item that is not blank, trimmed;
    state: blank, missing_code (declared by the instrument), unreadable (not of its type), else answered;
    number: exact, of an answered cell: the amount, 1 or 0 for yes or no, the choice's code where that is a number. -#}

{#- Spaces, tabs, line ends and no-break spaces. -#}
{% macro white_space() -%}
    chr(32) || chr(9) || chr(10) || chr(13) || chr(160)
{%- endmacro %}

{#- White space alone is no answer. -#}
{% macro trimmed(expression) -%}
    nullif(trim({{ expression }}, {{ white_space() }}), '')
{%- endmacro %}

{% macro is_numeric(item) -%}
    {{ return(item.item_type in ('integer', 'number', 'amount')) }}
{%- endmacro %}

{#- An item's text in a relation; `coalesce` of one needs no special case. -#}
{% macro cell_text(item, relation) -%}
    coalesce(
        {%- for question in item.questions -%}
            {{ trimmed(relation ~ '.' ~ sql_name(question)) }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{#- The text read as its type, null where it cannot be. An underscore is no digit, though casts allow it. -#}
{% macro cell_parsed(item, text) -%}
    {%- set number -%}case when instr({{ text }}, '_') = 0 then try_cast({{ text }} as decimal(38, 12)) end{%- endset -%}
    {%- if item.item_type == 'integer' -%}
        case when {{ number }} = floor({{ number }}) then {{ number }} end
    {%- elif is_numeric(item) -%}
        {{ number }}
    {%- elif item.item_type == 'boolean' -%}
        case
            {%- for code in item.numbered_codes %}
            when {{ text }} = {{ sql_text(code.code) }} then {{ 'true' if code.number == '1' else 'false' }}
            {%- endfor %}
            else cast(null as boolean)
        end
    {%- elif item.item_type == 'date' -%}
        case when {{ text }} like '____-__-__%' then try_cast(substr({{ text }}, 1, 10) as date) end
    {%- else -%}
        {{ text }}
    {%- endif -%}
{%- endmacro %}

{#- A declared code of no answer, also where an export spells the number otherwise (-99.0). -#}
{% macro cell_is_missing_code(item, text) -%}
    {%- if not item.missing_codes -%}
        false
    {%- elif is_numeric(item) -%}
        {{ text }} in ({{ sql_texts(item.missing_codes) }}) or coalesce(try_cast({{ text }} as decimal(38, 12)) in (
            {%- for code in item.missing_codes -%}
                try_cast({{ sql_text(code) }} as decimal(38, 12)){{ ', ' if not loop.last }}
            {%- endfor -%}
        ), false)
    {%- else -%}
        {{ text }} in ({{ sql_texts(item.missing_codes) }})
    {%- endif -%}
{%- endmacro %}

{#- The state of a trimmed text that needs no answer of its type. -#}
{% macro cell_state(item, text) -%}
    case
        when {{ text }} is null then 'blank'
        when {{ cell_is_missing_code(item, text) }} then 'missing_code'
        when ({{ cell_parsed(item, text) }}) is null then 'unreadable'
        else 'answered'
    end
{%- endmacro %}

{#- The number that indicators reckon with, from the typed answer. -#}
{% macro cell_number(item, answer) -%}
    {%- if is_numeric(item) -%}
        {{ answer }}
    {%- elif item.item_type == 'boolean' -%}
        cast(case when {{ answer }} then 1 when not {{ answer }} then 0 end as decimal(38, 12))
    {%- elif item.item_type == 'select_one' and item.numbered_codes -%}
        case {{ answer }}
            {%- for code in item.numbered_codes %}
            when {{ sql_text(code.code) }} then cast({{ code.number }} as decimal(38, 12))
            {%- endfor %}
        end
    {%- else -%}
        cast(null as decimal(38, 12))
    {%- endif -%}
{%- endmacro %}

{#- A lake table's rows with what places them: `_sw_site_code`, `_sw_wave` and `_sw_disposition` come from the root
    record, up the chain of repeats. `tables` are all lake tables, with the repeats. The relations are named by lake
    table in `relations`. -#}
{% macro placed_rows(table, tables) -%}
    {%- set climb = namespace(child='lake', parent=table.parent_table, root='lake') -%}
    {%- set joins = [] -%}
    {%- set relations = {table.lake_table: 'lake'} -%}
    {%- for step in range(10) if climb.parent -%}
        {%- for parent in tables
            if climb.parent and parent.source == table.source and parent.lake_table == climb.parent -%}
            {%- set climb.root = 'ancestor_' ~ step -%}
            {%- do joins.append(
                'left join ' ~ lake_file(parent.path) ~ ' as ' ~ climb.root
                ~ ' on ' ~ climb.child ~ '._sw_parent_record_id = ' ~ climb.root ~ '._sw_record_id'
            ) -%}
            {%- do relations.update({parent.lake_table: climb.root}) -%}
            {%- set climb.child = climb.root -%}
            {%- set climb.parent = parent.parent_table -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return({
        'root': climb.root,
        'relations': relations,
        'relation': lake_file(table.path) ~ ' as lake ' ~ joins | join(' ')
    }) }}
{%- endmacro %}

{#- A lake table with typed items: for each item "<item>" (typed, null unless answered), "<item>__text",
    "<item>__parsed" (the text as its type, also of a code of no answer), "<item>__state", "<item>__number", beside
    `_sw_record_id` and what places the row and dates it. Items may be the table's own or those of a row that it
    repeats under; `beside` names further columns of the root record. -#}
{% macro typed_cells(table, tables, items, beside=[]) -%}
    {%- set rows = placed_rows(table, tables) -%}
    (
        with texts as (
            select
                lake._sw_record_id,
                {{ rows.root }}._sw_record_id as _sw_root_record_id,
                {{ site_code_key(rows.root ~ '._sw_site_code') }} as _sw_site_code,
                {{ rows.root }}._sw_wave,
                {{ rows.root }}._sw_submitted_at,
                {{ disposition_word(rows.root ~ '._sw_disposition') }} as _sw_disposition
                {%- for column in beside %},
                {{ rows.root }}.{{ column }}
                {%- endfor %}
                {%- for item in items %},
                {{ cell_text(item, rows.relations[item.lake_table]) }} as {{ sql_name(item.item ~ '__text') }}
                {%- endfor %}
            from {{ rows.relation }}
        ),
        parsed as (
            select
                *
                {%- for item in items %},
                {{ cell_parsed(item, sql_name(item.item ~ '__text')) }} as {{ sql_name(item.item ~ '__parsed') }}
                {%- endfor %}
            from texts
        ),
        judged as (
            select
                *
                {%- for item in items %}
                {%- set text = sql_name(item.item ~ '__text') %},
                case
                    when {{ text }} is null then 'blank'
                    when {{ cell_is_missing_code(item, text) }} then 'missing_code'
                    when {{ sql_name(item.item ~ '__parsed') }} is null then 'unreadable'
                    else 'answered'
                end as {{ sql_name(item.item ~ '__state') }}
                {%- endfor %}
            from parsed
        ),
        typed as (
            select
                *
                {%- for item in items %},
                case when {{ sql_name(item.item ~ '__state') }} = 'answered'
                    then {{ sql_name(item.item ~ '__parsed') }} end as {{ sql_name(item.item) }}
                {%- endfor %}
            from judged
        )
        select
            *
            {%- for item in items %},
            {{ cell_number(item, sql_name(item.item)) }} as {{ sql_name(item.item ~ '__number') }}
            {%- endfor %}
        from typed
    )
{%- endmacro %}
