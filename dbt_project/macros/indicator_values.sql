-- noqa: disable=LT02
{#- From typed cells to an indicator's value, one wide select for each lake table. Values are whole steps of the
    indicator's resolution, reckoned in decimals, so that later sums are exact and the same on every run. -#}

{#- Every indicator with its terms; numbers as text, so that no digit is lost on the way. -#}
{% macro indicator_definitions() -%}
    {%- set query -%}
        with terms as (
            select
                indicator,
                min(instrument) as instrument,
                list({'item': item, 'term': term, 'is_reversed': is_reversed} order by term, item) as terms
            from {{ source('registry', 'indicator_terms') }}
            group by all
        )
        select
            terms.*,
            indicators.statistic,
            indicators.min_answered,
            indicators.over_repeat,
            {{ plain_decimal('indicators.resolution') }} as resolution,
            {{ plain_decimal('indicators.multiplier') }} as multiplier,
            {{ plain_decimal('indicators.scale_min') }} as scale_min,
            {{ plain_decimal('indicators.scale_max') }} as scale_max,
            {{ plain_decimal(steps_per_unit('indicators.resolution')) }} as steps_per_unit,
            cast(indicators.resolution as decimal(38, 12)) * cast({{ steps_per_unit('indicators.resolution') }} as
                decimal(38, 12)) = 1 as is_on_grid
        from terms
        inner join {{ source('registry', 'indicators') }} as indicators on terms.indicator = indicators.indicator
        order by indicators.indicator_order, terms.indicator
    {%- endset -%}
    {{ return(registry_rows(query)) }}
{%- endmacro %}

{#- 1 / resolution, cleaned of the double's last digits; exact only where the grid divides a power of ten. -#}
{% macro steps_per_unit(resolution) -%}
    cast(round(1 / cast({{ resolution }} as double), case when {{ resolution }} <= 1 then 4 else 12 end)
        as decimal(38, 12))
{%- endmacro %}

{#- What one answer of a source is worth in the indicator's unit, for amounts and means: 1 where the units agree or a
    mean's item has none, else the latest dated conversion; no row where there is none. -#}
{% macro unit_factors() -%}
    {%- set query -%}
        select
            terms.indicator,
            sources.source,
            case
                when indicators.over_repeat = 'count' or units.unit is null or units.unit = indicators.unit then '1'
                else {{ plain_decimal('conversions.factor') }}
            end as factor
        from {{ source('registry', 'indicator_terms') }} as terms
        inner join {{ source('registry', 'indicators') }} as indicators
            on terms.indicator = indicators.indicator and indicators.statistic in ('amount', 'mean')
        inner join {{ source('registry', 'sources') }} as sources on terms.instrument = sources.instrument
        left join {{ source('registry', 'source_units') }} as units
            on sources.source = units.source and terms.instrument = units.instrument and terms.item = units.item
        left join {{ source('registry', 'conversions') }} as conversions
            on units.unit = conversions.from_unit and indicators.unit = conversions.to_unit
        where
            units.unit = indicators.unit
            or indicators.over_repeat = 'count'
            or conversions.factor is not null
            or (units.unit is null and indicators.statistic = 'mean')
        qualify row_number() over (
            partition by terms.indicator, sources.source order by conversions.dated desc, conversions.factor
        ) = 1
    {%- endset -%}
    {{ return(registry_rows(query)) }}
{%- endmacro %}

{#- A value as whole steps, halves away from zero; null where it does not fit, never an error. -#}
{% macro as_steps(value, steps_per_unit) -%}
    try_cast(try(round({{ value }} * {{ steps_per_unit }})) as bigint)
{%- endmacro %}

{#- A term's number, and why it has none. `asked` are the items of the lake table. -#}
{% macro term_number(item, asked) -%}
    {%- if item in asked -%}{{ sql_name(item ~ '__number') }}{%- else -%}cast(null as decimal(38, 12)){%- endif -%}
{%- endmacro %}

{% macro term_why(item, asked) -%}
    {%- if item in asked -%}
        {%- set state = sql_name(item ~ '__state') -%}
        case
            when {{ state }} <> 'answered' then {{ state }}
            when {{ term_number(item, asked) }} is null then 'unreadable'
        end
    {%- else -%}
        'not_asked'
    {%- endif -%}
{%- endmacro %}

{#- The first item in a part of the indicator. -#}
{% macro item_of(indicator, term) -%}
    {{ return((indicator.terms | selectattr('term', 'equalto', term) | map(attribute='item') | list + [''])[0]) }}
{%- endmacro %}

{#- Steps, exposure and reason of one indicator as three SQL expressions. -#}
{% macro indicator_expressions(indicator, asked, factor, repeated=[]) -%}
    {%- set grid = indicator.steps_per_unit -%}
    {%- if indicator.statistic in ('share', 'mean', 'amount') -%}
        {%- set item = item_of(indicator, 'value') -%}
        {%- set worth = '100' if indicator.statistic == 'share' else factor -%}
        {%- set is_over = indicator.over_repeat is not none -%}
        {%- set number = repeat_number(indicator, item, repeated) if is_over else term_number(item, asked) -%}
        {%- set value = number ~ ' * ' ~ (worth or 'cast(null as decimal(1, 0))') -%}
        {%- set why = repeat_why(indicator, item, repeated) if is_over else term_why(item, asked) -%}
        {%- if not worth -%}
            {%- set why = 'coalesce(' ~ why ~ ", 'no_conversion')" -%}
        {%- endif -%}
        {{ return({'steps': as_steps(value, grid), 'exposure': '1', 'why': why}) }}
    {%- elif indicator.statistic == 'rate' -%}
        {%- set events = item_of(indicator, 'events') -%}
        {%- set exposure = item_of(indicator, 'exposure') -%}
        {%- set value = term_number(events, asked) ~ ' * ' ~ indicator.multiplier -%}
        {%- set why -%}
            coalesce(
                {{ term_why(events, asked) }}, {{ term_why(exposure, asked) }},
                case when {{ term_number(exposure, asked) }} <= 0 then 'no_exposure' end
            )
        {%- endset -%}
        {{ return({
            'steps': as_steps(value, grid), 'exposure': as_steps(term_number(exposure, asked), exposure_steps_per_unit()),
            'why': why
        }) }}
    {%- else -%}
        {{ return(scale_expressions(indicator, asked)) }}
    {%- endif -%}
{%- endmacro %}

{#- A scale's sum or mean over the items answered; a sum is prorated to all items. The double holds whole steps
    exactly and an exact half stays a half under division, so the rounding is that of the rational number. -#}
{% macro scale_expressions(indicator, asked) -%}
    {%- set counts = [] -%}
    {%- set points = [] -%}
    {%- for term in indicator.terms -%}
        {%- set number = term_number(term.item, asked) -%}
        {%- do counts.append('case when ' ~ number ~ ' is null then 0 else 1 end') -%}
        {%- if term.is_reversed -%}
            {%- do points.append(
                'coalesce(' ~ indicator.scale_min ~ ' + ' ~ indicator.scale_max ~ ' - ' ~ number ~ ', 0)'
            ) -%}
        {%- else -%}
            {%- do points.append('coalesce(' ~ number ~ ', 0)') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set answered = '(' ~ counts | join(' + ') ~ ')' -%}
    {%- set total = '(' ~ points | join(' + ') ~ ')' -%}
    {%- set items_counted = indicator.terms | length if indicator.statistic == 'scale_sum' else 1 -%}
    {%- set steps -%}
        try_cast(
            round(
                try(cast({{ total }} * {{ items_counted }} * {{ indicator.steps_per_unit }} as double))
                / nullif({{ answered }}, 0)
            ) as bigint
        )
    {%- endset -%}
    {%- set needed = indicator.min_answered or indicator.terms | length -%}
    {{ return({
        'steps': steps, 'exposure': '1', 'why': 'case when ' ~ answered ~ ' < ' ~ needed ~ " then 'too_few_answered' end"
    }) }}
{%- endmacro %}

{#- The factor of one source for one indicator, or none. -#}
{% macro factor_of(factors, table, indicator) -%}
    {{ return((factors | selectattr('source', 'equalto', table.source)
        | selectattr('indicator', 'equalto', indicator.indicator) | map(attribute='factor') | list + [none])[0]) }}
{%- endmacro %}

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

{#- The values of one root table's records as columns "<indicator>__steps", "__exposure" and "__why"; what its repeats
    hold is counted and summed for each record first. `tables` and `all_items` are those of the whole lake. -#}
{% macro wide_values(table, tables, all_items, indicators, factors) -%}
    {%- set items = items_of(all_items, table) -%}
    {%- set asked = items | map(attribute='item') | list -%}
    {%- set repeats = repeats_of(table, tables, all_items, indicators) -%}
    {%- set repeated = [] -%}
    {%- for repeat in repeats -%}
        {%- do repeated.extend(repeat.items_used | map(attribute='item') | list) -%}
    {%- endfor -%}
    (
        select
            cells._sw_record_id as record_id
            {%- for indicator in indicators %}
            {%- if not indicator.is_on_grid -%}
                {{ exceptions.raise_compiler_error(
                    'indicators/' ~ indicator.indicator ~ '.yml resolution: ' ~ indicator.resolution
                    ~ ' does not divide a power of ten, so values have no exact steps. Remedy: write e.g. 0.01, 0.5 or 1.'
                ) }}
            {%- endif -%}
            {%- set sql = indicator_expressions(indicator, asked, factor_of(factors, table, indicator), repeated) %},
            {{ sql.steps }} as {{ sql_name(indicator.indicator ~ '__steps') }},
            cast({{ sql.exposure }} as bigint) as {{ sql_name(indicator.indicator ~ '__exposure') }},
            {{ sql.why }} as {{ sql_name(indicator.indicator ~ '__why') }}
            {%- endfor %}
        from {{ typed_cells(table, tables, items) }} as cells
        {%- for repeat in repeats %}
        left join {{ repeat_sums(repeat, tables) }} as repeat_{{ loop.index }}
            on cells._sw_record_id = repeat_{{ loop.index }}._sw_root_record_id
        {%- endfor %}
    )
{%- endmacro %}
