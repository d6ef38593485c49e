-- Written from the descriptions beside the models, whose contracts make them list every column: it cannot drift.
{%- set columns = [] -%}
{%- if execute -%}
    {%- for model in graph.nodes.values() | selectattr('schema', 'equalto', 'published') | sort(attribute='name')
        if model.config.materialized == 'table' -%}
        {%- for column in model.columns.values() -%}
            {%- do columns.append((model, column, loop.index)) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif %}
select
    table_name,
    column_name,
    column_order::integer as column_order,
    data_type,
    unit,
    description,
    is_key
from (
    values
    {%- for model, column, column_order in columns %}
    (
        {{ dbt.string_literal(model.name) }},
        {{ dbt.string_literal(column.name) }},
        {{ column_order }},
        {{ dbt.string_literal(column.data_type) }},
        {{ dbt.string_literal(column.config.meta.unit) }},
        {{ dbt.string_literal(dbt.escape_single_quotes(column.description)) }},
        {{ column.config.meta.key | default(false) }}
    ){{ ',' if not loop.last }}
    {%- else %}
    (null, null, null, null, null, null, null)
    {%- endfor %}
) as columns (table_name, column_name, column_order, data_type, unit, description, is_key)
