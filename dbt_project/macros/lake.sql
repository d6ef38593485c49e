{#- The lake and the registry as the macros see them: rows of the registry read while a model is compiled, safe
    spellings of names and texts, and the one place that says how a file of the lake is opened. -#}

{#- Rows of a registry query as a list of mappings; none while dbt only parses. They travel as JSON, since dbt's own
    tables would read a code spelled "null" as no code at all. Exact numbers must be cast to text by the query. -#}
{% macro registry_rows(query) -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for row in run_query('select to_json(registry_row) as line from (' ~ query ~ ') as registry_row').rows -%}
            {%- do found.append(fromjson(row['line'])) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{#- A column's name, quoted. -#}
{% macro sql_name(name) -%}
    "{{ name | replace('"', '""') }}"
{%- endmacro %}

{#- A text literal, quoted. -#}
{% macro sql_text(value) -%}
    '{{ value | replace("'", "''") }}'
{%- endmacro %}

{#- A list of text literals. -#}
{% macro sql_texts(values) -%}
    {%- for value in values -%}{{ sql_text(value) }}{{ ', ' if not loop.last }}{%- endfor -%}
{%- endmacro %}

{#- A decimal as the database writes it, without trailing zeros, so that products keep their scale small. -#}
{% macro plain_decimal(expression) -%}
    regexp_replace(cast(cast({{ expression }} as decimal(38, 18)) as varchar), '\.?0+$', '')
{%- endmacro %}

{#- One file of the lake, read in place. -#}
{% macro lake_file(path) -%}
    read_parquet({{ sql_text(env_var('SITEWISE_HOME') ~ '/' ~ path) }}, hive_partitioning = false)
{%- endmacro %}

{#- Lake tables with their source's role and instrument, in a fixed order. A root table has no parent. -#}
{% macro lake_tables(roles=none, is_root_only=true) -%}
    {%- set query -%}
        select
            lake_tables.source, lake_tables.lake_table, lake_tables.parent_table, lake_tables.path,
            sources.role, sources.instrument
        from {{ source('registry', 'lake_tables') }} as lake_tables
        inner join {{ source('registry', 'sources') }} as sources on lake_tables.source = sources.source
        where lake_tables.lake_table <> '_quarantine'
        {% if roles %}and sources.role in ({{ sql_texts(roles) }}){% endif %}
        {% if is_root_only %}and lake_tables.parent_table is null{% endif %}
        order by lake_tables.source, lake_tables.lake_table
    {%- endset -%}
    {{ return(registry_rows(query)) }}
{%- endmacro %}

{#- Items of every lake table: their questions in order of preference, and the codes that decide what an answer is.
    `is_measured` leaves out those that only a form's definition names and no indicator reads. -#}
{% macro lake_items() -%}
    {%- set query -%}
        with questions as (
            select source, lake_table, instrument, item, list(column_name order by preference, column_name) as questions
            from {{ source('registry', 'lake_columns') }}
            where role = 'item'
            group by all
        ),
        missing as (
            select instrument, list(code order by code) as missing_codes
            from {{ source('registry', 'missing_codes') }}
            group by all
        ),
        codes as (
            select
                instrument,
                item,
                list({'code': code, 'number': {{ plain_decimal('value') }}} order by code)
                    filter (where value is not null) as numbered_codes
            from {{ source('registry', 'item_codes') }}
            group by all
        )
        select
            questions.*,
            items.item_type,
            not coalesce(items.is_derived, false) or measured.item is not null as is_measured,
            coalesce(missing.missing_codes, []) as missing_codes,
            coalesce(codes.numbered_codes, []) as numbered_codes
        from questions
        inner join {{ source('registry', 'items') }} as items
            on questions.instrument = items.instrument and questions.item = items.item
        left join (
            select distinct instrument, item from {{ source('registry', 'indicator_terms') }}
        ) as measured
            on questions.instrument = measured.instrument and questions.item = measured.item
        left join missing on questions.instrument = missing.instrument
        left join codes on questions.instrument = codes.instrument and questions.item = codes.item
        order by questions.source, questions.lake_table, questions.item
    {%- endset -%}
    {{ return(registry_rows(query)) }}
{%- endmacro %}

{#- The items of one lake table, among all of them. -#}
{% macro items_of(items, table) -%}
    {{ return(items | selectattr('source', 'equalto', table.source)
        | selectattr('lake_table', 'equalto', table.lake_table) | list) }}
{%- endmacro %}
