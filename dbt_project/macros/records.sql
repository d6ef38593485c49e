-- noqa: disable=LT02
{#- The system columns of the lake's records: how a site code and a disposition are spelled, and every root table's
    records under one another. -#}

{#- A site code as the registry spells it, without any white space; blank is the empty text. -#}
{% macro site_code_key(expression) -%}
    coalesce(upper(translate({{ expression }}, {{ white_space() }}, '')), '')
{%- endmacro %}

{#- A disposition as the contract's word; a record without one is complete, for it was submitted. -#}
{% macro disposition_word(expression) -%}
    coalesce(lower({{ trimmed(expression) }}), 'complete')
{%- endmacro %}

{% macro record_columns() -%}
    {{ return([
        'unit_id', 'wave', 'submitted_at', 'form_version', 'arm', 'cluster_code', 'block_code', 'weight',
        'replaces_unit_id', 'cohort', 'order_by'
    ]) }}
{%- endmacro %}

{#- What a source may tell of its interviews; its lake table has these columns only where it does. -#}
{% macro interview_columns() -%}
    {{ return(['enumerator', 'started_at', 'ended_at', 'position']) }}
{%- endmacro %}

{#- A time as a clock in the programme's zone shows it; one without an offset was written by a clock there. -#}
{% macro local_time(text, zone) -%}
    case
        when {{ text }} like '%Z' then timezone({{ zone }}, timezone('UTC', try_cast({{ text }} as timestamp)))
        else try_cast({{ text }} as timestamp)
    end
{%- endmacro %}

{#- Roles whose rows are records; moments and estimates are none. -#}
{% macro record_roles() -%}
    {{ return(['survey', 'listing', 'assignment', 'back_check', 'tracking', 'register']) }}
{%- endmacro %}

{#- System columns of every root table, as text. -#}
{% macro root_records() -%}
    {%- set tables = lake_tables(roles=record_roles()) -%}
    {%- set columns = record_columns() -%}
    {%- set query -%}
        select source, lake_table, substr(column_name, length('_sw_') + 1) as told
        from {{ source('registry', 'lake_columns') }}
        where role = 'system' and column_name in ('_sw_{{ interview_columns() | join("', '_sw_") }}')
    {%- endset -%}
    {%- set interviews = registry_rows(query) -%}
    {%- if execute and tables -%}
        {%- for table in tables %}
        select
            {{ sql_text(table.source) }} as source,
            {{ sql_text(table.lake_table) }} as lake_table,
            {{ site_code_key('_sw_site_code') }} as site_code,
            {{ disposition_word('_sw_disposition') }} as disposition,
            _sw_record_id as record_id
            {%- for column in columns %},
            {{ trimmed('_sw_' ~ column) }} as {{ column }}
            {%- endfor %}
            {%- set told = items_of(interviews, table) | map(attribute='told') | list %}
            {%- for column in interview_columns() %},
            {{ trimmed('_sw_' ~ column) if column in told else 'cast(null as varchar)' }} as {{ column }}
            {%- endfor %}
        from {{ lake_file(table.path) }}
        {{ 'union all' if not loop.last }}
        {%- endfor -%}
    {%- else -%}
        select
            cast(null as varchar) as source, cast(null as varchar) as lake_table,
            cast(null as varchar) as site_code, cast(null as varchar) as disposition,
            cast(null as varchar) as record_id, cast(null as varchar) as unit_id, cast(null as varchar) as wave,
            cast(null as varchar) as submitted_at, cast(null as varchar) as form_version,
            cast(null as varchar) as arm, cast(null as varchar) as cluster_code, cast(null as varchar) as block_code,
            cast(null as varchar) as weight, cast(null as varchar) as replaces_unit_id,
            cast(null as varchar) as cohort, cast(null as varchar) as order_by,
            cast(null as varchar) as enumerator, cast(null as varchar) as started_at,
            cast(null as varchar) as ended_at, cast(null as varchar) as position
        where false
    {%- endif -%}
{%- endmacro %}

{#- Subgroup levels of the frame's sources, long: one row for each record and declared dimension. -#}
{% macro frame_subgroups() -%}
    {%- set tables = lake_tables(roles=['listing', 'assignment']) -%}
    {%- set query -%}
        select distinct source, lake_table, column_name, substr(column_name, length('_sw_subgroup_') + 1) as dimension
        from {{ source('registry', 'lake_columns') }}
        where role = 'system' and starts_with(column_name, '_sw_subgroup_')
        order by source, lake_table, column_name
    {%- endset -%}
    {%- set subgroups = registry_rows(query) -%}
    {%- set branches = [] -%}
    {%- if execute -%}
        {%- for table in tables -%}
            {%- for subgroup in subgroups
                if subgroup.source == table.source and subgroup.lake_table == table.lake_table -%}
                {%- set branch -%}
        select
            {{ sql_text(table.source) }} as source,
            _sw_record_id as record_id,
            {{ sql_text(subgroup.dimension) }} as dimension,
            {{ trimmed(sql_name(subgroup.column_name)) }} as level
        from {{ lake_file(table.path) }}
                {%- endset -%}
                {%- do branches.append(branch) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'source': 'varchar', 'record_id': 'varchar', 'dimension': 'varchar', 'level': 'varchar'
    }) }}
{%- endmacro %}

{#- What a form or a tracker may say of a unit that was not measured. -#}
{% macro told_dispositions() -%}
    'refused', 'moved', 'dead', 'not_found', 'not_yet', 'other'
{%- endmacro %}

{#- Covariates that the frame's sources tell, long, as whole steps of each one's grid; what is no number, or too large
    for exact sums, is unknown. -#}
{% macro frame_covariates() -%}
    {%- set tables = lake_tables(roles=['listing', 'assignment']) -%}
    {%- set query -%}
        select
            columns.source, columns.lake_table, columns.column_name, covariates.covariate,
            {{ plain_decimal('covariates.resolution') }} as resolution
        from {{ source('registry', 'lake_columns') }} as columns
        inner join {{ source('registry', 'covariates') }} as covariates
            on columns.column_name = '_sw_covariate_' || covariates.covariate
        where columns.role = 'system'
        order by columns.source, columns.lake_table, columns.column_name
    {%- endset -%}
    {%- set covariates = registry_rows(query) -%}
    {%- set branches = [] -%}
    {%- if execute -%}
        {%- for table in tables -%}
            {%- for covariate in covariates
                if covariate.source == table.source and covariate.lake_table == table.lake_table -%}
                {%- set number = 'try_cast(' ~ trimmed(sql_name(covariate.column_name)) ~ ' as decimal(38, 12))' -%}
                {%- set branch -%}
        select
            {{ sql_text(table.source) }} as source,
            _sw_record_id as record_id,
            {{ sql_text(covariate.covariate) }} as covariate,
            try(round({{ number }} / {{ covariate.resolution }})::bigint) as steps
        from {{ lake_file(table.path) }}
                {%- endset -%}
                {%- do branches.append(branch) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ one_under_another(branches, {
        'source': 'varchar', 'record_id': 'varchar', 'covariate': 'varchar', 'steps': 'bigint'
    }) }}
{%- endmacro %}
