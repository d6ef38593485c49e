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
            indicators.transform,
            {{ plain_decimal('indicators.threshold_low') }} as threshold_low,
            {{ plain_decimal('indicators.threshold_high') }} as threshold_high,
            indicators.is_low_included,
            indicators.is_high_included,
            {{ plain_decimal('indicators.winsor_low') }} as winsor_low,
            {{ plain_decimal('indicators.winsor_high') }} as winsor_high,
            {{ plain_decimal('indicators.resolution') }} as resolution,
            {{ plain_decimal('coalesce(indicators.multiplier, 1)') }} as multiplier,
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

{#- A value as whole steps, halves away from zero; null where it has more digits than `digits`, never an error. Twelve
    leave room for the products of two values, of their weights and of a cell's people in one exact sum. -#}
{% macro as_steps(value, steps_per_unit, digits=12) -%}
    cast(try_cast(round({{ times(value, steps_per_unit) }}) as decimal({{ digits }}, 0)) as bigint)
{%- endmacro %}

{#- A product, null where it is too large. Every product is tried by itself: the database reckons an expression that
    two columns share before either, outside of what would have caught its overflow. -#}
{% macro times(value, factor) -%}
    try({{ value }} * {{ factor }})
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

{#- Steps, exposure and reason of one indicator as three SQL expressions; `factors` say what the answers of this lake
    table are worth. -#}
{% macro indicator_expressions(indicator, asked, factors, table, repeated=[]) -%}
    {%- if indicator.statistic in ('rate', 'ratio') -%}
        {{ return(quotient_expressions(indicator, asked, factors, table)) }}
    {%- elif indicator.statistic in ('scale_sum', 'scale_mean') -%}
        {{ return(scale_expressions(indicator, asked, factors, table)) }}
    {%- else -%}
        {{ return(single_expressions(indicator, asked, factors, table, repeated)) }}
    {%- endif -%}
{%- endmacro %}

{#- One item's number: converted, then kept within the cut-offs, then transformed; a share asks whether it is yes, or
    reaches the threshold. -#}
{% macro single_expressions(indicator, asked, factors, table, repeated) -%}
    {%- set item = item_of(indicator, 'value') -%}
    {%- set worth = worth_of(factors, table, indicator, 'value', item) -%}
    {%- set is_over = indicator.over_repeat is not none -%}
    {%- set number = repeat_number(indicator, item, repeated) if is_over else term_number(item, asked) -%}
    {%- set why = worth_why(repeat_why(indicator, item, repeated) if is_over else term_why(item, asked), worth) -%}
    {%- set number = worth_times(number, worth) -%}
    {%- if indicator.statistic == 'share' -%}
        {%- set value = as_share(indicator, number) -%}
    {%- else -%}
        {%- set number = within_cut_offs(indicator, number) -%}
        {%- set value = transformed(indicator, number) -%}
        {%- if indicator.transform == 'log' -%}
            {%- set why = 'coalesce(' ~ why ~ ', case when try(' ~ number ~ " <= 0) then 'undefined_log' end)" -%}
        {%- endif -%}
    {%- endif -%}
    {{ return({'steps': as_steps(value, indicator.steps_per_unit), 'exposure': '1', 'why': why}) }}
{%- endmacro %}

{#- Yes is 100 percent. A number is compared with the threshold as it is, in the threshold's unit. -#}
{% macro as_share(indicator, number) -%}
    {%- set ends = [] -%}
    {%- if indicator.threshold_low is not none -%}
        {%- do ends.append(number ~ (' >= ' if indicator.is_low_included else ' > ') ~ indicator.threshold_low) -%}
    {%- endif -%}
    {%- if indicator.threshold_high is not none -%}
        {%- do ends.append(number ~ (' <= ' if indicator.is_high_included else ' < ') ~ indicator.threshold_high) -%}
    {%- endif -%}
    {{ return('cast(try(' ~ ends | join(' and ') ~ ') as integer) * 100' if ends else times(number, '100')) }}
{%- endmacro %}

{#- Cut-offs are frozen numbers of the registry, the same for every row. -#}
{% macro within_cut_offs(indicator, number) -%}
    {%- set kept = number -%}
    {%- if indicator.winsor_low is not none -%}
        {%- set kept = 'greatest(' ~ kept ~ ', ' ~ indicator.winsor_low ~ ')' -%}
    {%- endif -%}
    {%- if indicator.winsor_high is not none -%}
        {%- set kept = 'least(' ~ kept ~ ', ' ~ indicator.winsor_high ~ ')' -%}
    {%- endif -%}
    {{ return(kept) }}
{%- endmacro %}

{#- The natural log or the inverse hyperbolic sine, a double that is rounded to the steps of the resolution. -#}
{% macro transformed(indicator, number) -%}
    {%- set functions = {'log': 'ln', 'asinh': 'asinh'} -%}
    {%- if indicator.transform in functions -%}
        {{ return('try(' ~ functions[indicator.transform] ~ '(cast(' ~ number ~ ' as double)))') }}
    {%- else -%}
        {{ return(number) }}
    {%- endif -%}
{%- endmacro %}

{#- A rate's events over their exposure, a ratio's numerator over its denominator: two sums, so a unit that has nothing
    to be divided by is in neither. -#}
{% macro quotient_expressions(indicator, asked, factors, table) -%}
    {%- set parts = ('events', 'exposure') if indicator.statistic == 'rate' else ('numerator', 'denominator') -%}
    {%- set numbers = [] -%}
    {%- set whys = [] -%}
    {%- for part in parts -%}
        {%- set item = item_of(indicator, part) -%}
        {%- set worth = worth_of(factors, table, indicator, part, item) -%}
        {%- do numbers.append(worth_times(term_number(item, asked), worth)) -%}
        {%- do whys.append(worth_why(term_why(item, asked), worth)) -%}
    {%- endfor -%}
    {%- set why -%}
        coalesce({{ whys[0] }}, {{ whys[1] }}, case when try({{ numbers[1] }} <= 0) then 'no_exposure' end)
    {%- endset -%}
    {{ return({
        'steps': as_steps(times(numbers[0], indicator.multiplier), indicator.steps_per_unit),
        'exposure': as_steps(numbers[1], exposure_steps_per_unit(), 13),
        'why': why
    }) }}
{%- endmacro %}

{#- A scale's sum or mean over the items answered; a sum is prorated to all items. An absurd answer is no missing one:
    it leaves no sum. The double holds whole steps
    exactly and an exact half stays a half under division, so the rounding is that of the rational number. -#}
{% macro scale_expressions(indicator, asked, factors, table) -%}
    {%- set counts = [] -%}
    {%- set points = [] -%}
    {%- for term in indicator.terms -%}
        {%- set worth = worth_of(factors, table, indicator, 'component', term.item) -%}
        {%- set number = worth_times(term_number(term.item, asked), worth) -%}
        {%- do counts.append('case when ' ~ number ~ ' is null then 0 else 1 end') -%}
        {%- set point = scale_point(indicator, term, number) -%}
        {%- do points.append('case when ' ~ number ~ ' is null then 0 else ' ~ point ~ ' end') -%}
    {%- endfor -%}
    {%- set answered = '(' ~ counts | join(' + ') ~ ')' -%}
    {%- set total = '(' ~ points | join(' + ') ~ ')' -%}
    {%- set items_counted = indicator.terms | length if indicator.statistic == 'scale_sum' else 1 -%}
    {%- set steps -%}
        cast(
            try_cast(
                round(
                    cast({{ times(times(total, items_counted), indicator.steps_per_unit) }} as double)
                    / nullif({{ answered }}, 0)
                ) as decimal(12, 0)
            ) as bigint
        )
    {%- endset -%}
    {%- set needed = indicator.min_answered or indicator.terms | length -%}
    {{ return({
        'steps': steps, 'exposure': '1', 'why': 'case when ' ~ answered ~ ' < ' ~ needed ~ " then 'too_few_answered' end"
    }) }}
{%- endmacro %}

{#- An item's points towards its scale: its number, or counted from the other end. -#}
{% macro scale_point(indicator, term, number) -%}
    {%- set point = 'try_cast(' ~ number ~ ' as decimal(26, 12))' -%}
    {{ return(indicator.scale_min ~ ' + ' ~ indicator.scale_max ~ ' - ' ~ point if term.is_reversed else point) }}
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
            {%- set sql = indicator_expressions(indicator, asked, factors, table, repeated) %},
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
