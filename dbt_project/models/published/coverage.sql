-- The fates of a column's cells add up to its rows: beside a small one a second is hidden.
{%- set fates = ['answered', 'missing_code', 'blank', 'unreadable', 'unmapped'] %}
with counts as (
    unpivot (
        select
            *,
            row_number() over (order by source, lake_table, column_name, item) as place
        from {{ ref('int_coverage') }}
    )
    on {{ fates | join('_count, ') }}_count
    into name fate value n
),

hidden as (
    select
        counts.*,
        {{ is_hidden_together(is_small('n'), 'n', 'place', 'n, fate') }} as is_hidden
    from counts
    cross join {{ source('registry', 'programme') }} as programme
)

select
    hidden.source,
    hidden.lake_table,
    hidden.column_name,
    coalesce(hidden.item, '*') as item,
    hidden.role,
{% for fate in fates -%}
    max({{ suppress_count('hidden.n', 'hidden.is_hidden') }}) filter (where hidden.fate = '{{ fate }}_count')
        as {{ fate }}_count{{ ',' if not loop.last }}
{% endfor %}
from hidden
cross join {{ source('registry', 'programme') }} as programme
group by hidden.place, hidden.source, hidden.lake_table, hidden.column_name, hidden.item, hidden.role
