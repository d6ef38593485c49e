-- noqa: disable=LT02
{#- Outcomes of one instrument at a time, wide until the last step: a million records are joined to their units and
    to their baselines once, not once for each indicator. -#}

{#- An instrument's indicators for every visit, made or missed, beside the unit's values at the baseline. The relations
    are int_measurements, int_missed_visits and registry.waves. -#}
{% macro instrument_outcomes(instrument, tables, all_items, indicators, factors, measurements, missed_visits, waves) -%}
    select * from (
        with visits as (
            {%- for table in tables if table.instrument == instrument and not table.parent_table %}
            select measurements.unit_key, measurements.wave, measurements.site_found, measurements.is_in_frame, answers.*
            from {{ wide_values(table, tables, all_items, indicators, factors) }} as answers
            inner join {{ measurements }} as measurements
                on measurements.source = {{ sql_text(table.source) }} and answers.record_id = measurements.record_id
            union all
            {%- endfor %}
            select
                unit_key, wave, cast(null as varchar) as site_found, true as is_in_frame, cast(null as varchar) as record_id
                {%- for indicator in indicators %},
                cast(null as bigint) as {{ sql_name(indicator.indicator ~ '__steps') }},
                cast(null as bigint) as {{ sql_name(indicator.indicator ~ '__exposure') }},
                'disposition' as {{ sql_name(indicator.indicator ~ '__why') }}
                {%- endfor %}
            from {{ missed_visits }}
            where instrument = {{ sql_text(instrument) }}
        ),
        baselines as (
            select
                visits.unit_key, visits.wave
                {%- for indicator in indicators %},
                case when visits.{{ sql_name(indicator.indicator ~ '__why') }} is null
                    then visits.{{ sql_name(indicator.indicator ~ '__steps') -}}
                    end as {{ sql_name(indicator.indicator ~ '__baseline') }}
                {%- endfor %}
            from visits
            inner join {{ waves }} as waves on visits.wave = waves.wave and waves.is_baseline
            where visits.record_id is not null and visits.is_in_frame
        )
        select
            visits.*
            {%- for indicator in indicators %}, baselines.{{ sql_name(indicator.indicator ~ '__baseline') }}{% endfor %}
        from visits
        left join baselines on visits.unit_key = baselines.unit_key and visits.wave <> baselines.wave
    ) unpivot include nulls (
        (steps, exposure, why, baseline) for indicator in (
            {%- for indicator in indicators %}
            {%- set name = indicator.indicator %}
            (
                {{- sql_name(name ~ '__steps') }}, {{ sql_name(name ~ '__exposure') }}, {{ sql_name(name ~ '__why') -}}
                , {{ sql_name(name ~ '__baseline') }}
            ) as {{ sql_name(name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
{%- endmacro %}

{#- Outcomes of every instrument that has indicators and a survey in the lake. -#}
{% macro outcome_rows(measurements, missed_visits, waves) -%}
    {%- set tables = lake_tables(roles=['survey'], is_root_only=false) -%}
    {%- set all_items = lake_items() | selectattr('is_measured') | list -%}
    {%- set definitions = indicator_definitions() -%}
    {%- set factors = unit_factors() -%}
    {%- set branches = [] -%}
    {%- if execute -%}
        {%- for instrument in definitions | map(attribute='instrument') | unique | sort -%}
            {%- set indicators = definitions | selectattr('instrument', 'equalto', instrument) | list -%}
            {%- do branches.append(instrument_outcomes(
                instrument, tables, all_items, indicators, factors, measurements, missed_visits, waves
            )) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'indicator': 'varchar', 'wave': 'varchar', 'unit_key': 'varchar', 'site_found': 'varchar',
        'is_in_frame': 'boolean', 'record_id': 'varchar', 'steps': 'bigint', 'exposure': 'bigint',
        'why': 'varchar', 'baseline': 'bigint'
    }) }}
{%- endmacro %}
