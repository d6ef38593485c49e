-- Written from the descriptions beside the models, whose contracts make them list every column: it cannot drift.
{%- for column in described_columns() %}
select
    '{{ column.table }}' as table_name,
    '{{ column.name }}' as column_name,
    {{ column.order }} as column_order,
    '{{ column.type }}' as data_type,
    '{{ column.unit }}' as unit,
    '{{ column.description }}' as description,
    {{ column.is_key }} as is_key
{{ 'union all' if not loop.last }}
{%- else %}
    select 'known only while models run' as table_name
{%- endfor %}
