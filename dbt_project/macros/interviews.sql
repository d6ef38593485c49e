-- noqa: disable=LT02
{#- What rules over interviews share: where each must speak, and whether a source there tells what it needs. -#}

{#- Rules over interviews, those who hold them, and back-checks. -#}
{% macro interview_rule_types() -%}
    'interview_duration', 'night_interviews', 'enumerator_productivity', 'enumerator_missing', 'enumerator_effect',
    'near_duplicates', 'overlapping_interviews', 'same_place', 'back_check_error_rate', 'back_check_reliability'
{%- endmacro %}

{#- Rules of these types by site and wave where a survey is to deliver, each once. `why_not_applicable`: no source here
    tells all that the rule needs, of its keys or of back-checks. -#}
{% macro interview_rules(rule_types) -%}
    select
        rules.rule,
        rules.rule_type,
        rules.parameters,
        deliveries.site,
        deliveries.wave,
        case when not bool_or(list_has_all(
            list_concat(coalesce(told.keys, []), case when checked.site is not null then ['back_check'] else [] end),
            rules.needs
        )) then
            'no source here tells ' || array_to_string(list_transform(any_value(rules.needs), lambda need: case need
                when 'enumerator' then 'the enumerator'
                when 'started_at' then 'when interviews began'
                when 'ended_at' then 'when they ended'
                when 'position' then 'their place'
                when 'back_check' then 'of back-checks'
            end), ' and ')
        end as why_not_applicable
    from (
        select distinct rule, rule_type, parameters, cast(parameters -> '$.needs' as varchar[]) as needs
        from {{ source('registry', 'rules') }}
        where rule_type in ({{ sql_texts(rule_types) }})
    ) as rules
    cross join {{ ref('stg_expected_deliveries') }} as deliveries
    left join (
        select source, list(key) as keys
        from {{ source('registry', 'source_keys') }}
        group by source
    ) as told on deliveries.source = told.source
    left join (
        select distinct source_sites.site, source_waves.wave
        from {{ source('registry', 'sources') }} as sources
        inner join {{ source('registry', 'source_sites') }} as source_sites on sources.source = source_sites.source
        inner join {{ source('registry', 'source_waves') }} as source_waves on sources.source = source_waves.source
        where sources.role = 'back_check'
    ) as checked on deliveries.site = checked.site and deliveries.wave = checked.wave
    group by rules.rule, rules.rule_type, rules.parameters, deliveries.site, deliveries.wave
{%- endmacro %}

{#- Sources that tell a key of their interviews, or any. -#}
{% macro sources_telling(key=none) -%}
    {%- set query -%}
        select distinct source from {{ source('registry', 'source_keys') }}
        {% if key %}where key = '{{ key }}'{% endif %}
        order by source
    {%- endset -%}
    {{ return(registry_rows(query) | map(attribute='source') | list) }}
{%- endmacro %}

{#- Whether a column lies in the lake tables of a source. -#}
{% macro lake_tables_with(column) -%}
    {%- set query -%}
        select source, lake_table from {{ source('registry', 'lake_columns') }}
        where role = 'system' and column_name = '{{ column }}'
    {%- endset -%}
    {{ return(registry_rows(query)) }}
{%- endmacro %}

{#- Missing answers, and sums of numbers in steps of 0.0001, by enumerator and item: one scan of each lake table that
    tells the enumerator. Missing is a code of no answer, or a blank where the item is required. Numbers of a thousand
    million or more are left out, so that the sums stay exact. -#}
{% macro enumerator_counts() -%}
    {%- set tables = lake_tables(roles=['survey']) -%}
    {%- set telling = lake_tables_with('_sw_enumerator') -%}
    {%- set all_items = lake_items() | selectattr('is_measured') | list -%}
    {%- set query -%}
        select instrument, item from {{ source('registry', 'items') }} where is_required
    {%- endset -%}
    {%- set required = registry_rows(query) -%}
    {%- set branches = [] -%}
    {%- for table in tables if items_of(telling, table) and items_of(all_items, table) -%}
        {%- do branches.append(enumerator_counts_of(table, tables, items_of(all_items, table), required)) -%}
    {%- endfor -%}
    {{ one_under_another(branches, {
        'source': 'varchar', 'instrument': 'varchar', 'site_code': 'varchar', 'wave': 'varchar',
        'enumerator': 'varchar', 'interviews': 'bigint', 'item': 'varchar', 'missing': 'bigint', 'asked': 'bigint',
        'numbers': 'bigint', 'total': 'hugeint', 'squares': 'hugeint'
    }) }}
{%- endmacro %}

{% macro enumerator_counts_of(table, tables, items, required) -%}
    select
        {{ sql_text(table.source) }} as source,
        {{ sql_text(table.instrument) }} as instrument,
        * exclude (site_code), site_code
    from (
        select
            _sw_site_code as site_code,
            _sw_wave as wave,
            _sw_enumerator as enumerator,
            count(*) as interviews
            {%- for item in items %}
            {%- set state = sql_name(item.item ~ '__state') %}
            {%- set is_required = {'instrument': item.instrument, 'item': item.item} in required %},
            count_if({{ state }} = 'missing_code'{{ ' or ' ~ state ~ " = 'blank'" if is_required }})
                as "missing_{{ loop.index }}",
            count_if({{ 'true' if is_required else state ~ " <> 'blank'" }}) as "asked_{{ loop.index }}",
            count("steps_{{ loop.index }}") as "numbers_{{ loop.index }}",
            cast(sum("steps_{{ loop.index }}") as hugeint) as "total_{{ loop.index }}",
            cast(sum("steps_{{ loop.index }}" * "steps_{{ loop.index }}") as hugeint) as "squares_{{ loop.index }}"
            {%- endfor %}
        from (
            select
                *
                {%- for item in items %}
                {%- set number = sql_name(item.item ~ '__number') %},
                case when abs({{ number }}) < 1000000000
                    then cast(round(cast({{ number }} as double) * 10000) as hugeint) end as "steps_{{ loop.index }}"
                {%- endfor %}
            from {{ typed_cells(table, tables, items, ['_sw_enumerator']) }} as cells
            where _sw_disposition = 'complete' and _sw_enumerator is not null
        )
        group by _sw_site_code, _sw_wave, _sw_enumerator
    ) unpivot include nulls (
        (missing, asked, numbers, total, squares) for item in (
            {%- for item in items %}
            ("missing_{{ loop.index }}", "asked_{{ loop.index }}", "numbers_{{ loop.index }}", "total_{{ loop.index }}",
                "squares_{{ loop.index }}") as {{ sql_name(item.item) }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
{%- endmacro %}

{#- Whether an item is one that a rule speaks of: those it names, or else those that indicators read. -#}
{% macro is_item_of_rule(rules, cells) -%}
    case
        when {{ rules }}.parameters ->> '$.item' is not null
            then ({{ rules }}.parameters ->> '$.item') in ({{ cells }}.item, {{ cells }}.instrument || '.' || {{ cells }}.item)
        else ({{ cells }}.instrument, {{ cells }}.item) in (
            select (instrument, item) from {{ source('registry', 'indicator_terms') }}
        )
    end
{%- endmacro %}

{#- The answers of each record as hashes, one for each question in a fixed order, null where not answered; of tables
    with as many questions as some rule over near duplicates needs. -#}
{% macro answer_hashes() -%}
    {%- set query -%}
        select min(cast(parameters ->> '$.min_items' as integer)) as fewest
        from {{ source('registry', 'rules') }}
        where rule_type = 'near_duplicates'
    {%- endset -%}
    {%- set fewest = registry_rows(query) | map(attribute='fewest') | select | list -%}
    {%- set tables = lake_tables(roles=['survey']) -%}
    {%- set all_items = lake_items() | selectattr('is_measured') | list -%}
    {%- set branches = [] -%}
    {%- for table in tables if fewest and items_of(all_items, table) | length >= fewest[0] -%}
        {%- set items = items_of(all_items, table) -%}
        {%- set branch -%}
    select
        {{ sql_text(table.source) }} as source,
        _sw_record_id as record_id,
        [
            {%- for item in items %}
            case when {{ sql_name(item.item ~ '__state') }} = 'answered'
                then hash({{ sql_name(item.item ~ '__text') }}) end{{ ',' if not loop.last }}
            {%- endfor %}
        ] as answers
    from {{ typed_cells(table, tables, items) }} as cells
        {%- endset -%}
        {%- do branches.append(branch) -%}
    {%- endfor -%}
    {{ one_under_another(branches, {'source': 'varchar', 'record_id': 'varchar', 'answers': 'bigint[]'}) }}
{%- endmacro %}

{#- Long cells of the records in `pairs` (columns source, record_id, checking_source, checking_record_id). -#}
{% macro paired_cells() -%}
    {%- set tables = lake_tables(roles=['survey', 'back_check']) -%}
    {%- set all_items = lake_items() | selectattr('is_measured') | list -%}
    {%- set branches = [] -%}
    {%- if tables | selectattr('role', 'equalto', 'back_check') | list -%}
        {%- for table in tables if items_of(all_items, table) -%}
            {%- set side = 'checking_' if table.role == 'back_check' else '' -%}
            {%- set among = 'select ' ~ side ~ 'record_id from pairs where '
                ~ side ~ 'source = ' ~ sql_text(table.source) -%}
            {%- do branches.append(long_cells_of(table, tables, items_of(all_items, table), among)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'source': 'varchar', 'lake_table': 'varchar', 'record_id': 'varchar', 'instrument': 'varchar',
        'item': 'varchar', 'value_text': 'varchar', 'state': 'varchar', 'value_decimal': 'decimal(38, 12)'
    }) }}
{%- endmacro %}

{#- Common table expressions that give `agreements`: by rule, site, wave and item, agreement between pairs of answers
    beyond chance. Of numbers the intraclass correlation of one-way random effects, ICC(1,1) of Shrout and Fleiss
    (1979); of codes Cohen's kappa (1960). Null where all answers are one and the same, or pairs are too few. -#}
{% macro agreements(pairs) -%}
number_means as (
    select
        *,
        (cast(one_number as double) + cast(other_number as double)) / 2 as pair_mean,
        cast(one_number as double) - cast(other_number as double) as difference
    from {{ pairs }}
    where rule_type = 'back_check_reliability' and is_number
),

number_centres as (
    select
        rule,
        site,
        wave,
        instrument,
        item,
        any_value(cast(parameters ->> '$.min_pairs' as integer)) as min_pairs,
        count(*) as n,
        list(struct_pack(mean := pair_mean, gap := difference) order by source, record_id) as told,
        avg(pair_mean order by source, record_id) as centre
    from number_means
    group by rule, site, wave, instrument, item
),

number_variances as (
    select
        *,
        2 * list_sum(list_transform(told, lambda pair: pow(pair.mean - centre, 2))) / (n - 1) as between_pairs,
        list_sum(list_transform(told, lambda pair: pow(pair.gap, 2) / 2)) / n as within_pairs
    from number_centres
    where n >= min_pairs
),

code_counts as (
    select
        rule,
        site,
        wave,
        instrument,
        item,
        code,
        any_value(min_pairs) as min_pairs,
        count_if(is_first) as first_count,
        count_if(not is_first) as second_count,
        count_if(is_first and is_same) as same_count
    from (
        select
            *,
            cast(parameters ->> '$.min_pairs' as integer) as min_pairs,
            one_code = other_code as is_same,
            unnest([true, false]) as is_first,
            unnest([one_code, other_code]) as code
        from {{ pairs }}
        where rule_type = 'back_check_reliability' and not is_number
    )
    group by rule, site, wave, instrument, item, code
),

code_shares as (
    select
        rule,
        site,
        wave,
        item,
        any_value(min_pairs) as min_pairs,
        sum(first_count) as n,
        cast(sum(same_count) as double) / sum(first_count) as same_share,
        cast(sum(first_count * second_count) as double) / pow(sum(first_count), 2) as chance_share
    from code_counts
    group by rule, site, wave, instrument, item
),

agreements as (
    select
        rule,
        site,
        wave,
        item,
        (between_pairs - within_pairs) / nullif(between_pairs + within_pairs, 0) as agreement
    from number_variances
    union all
    select
        rule,
        site,
        wave,
        item,
        (same_share - chance_share) / nullif(1 - chance_share, 0) as agreement
    from code_shares
    where n >= min_pairs
)
{%- endmacro %}
