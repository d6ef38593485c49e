select
    coverage.source,
    coverage.lake_table,
    coverage.column_name,
    coalesce(coverage.item, '*') as item,
    coverage.role,
{% for fate in ['answered', 'missing_code', 'blank', 'unreadable', 'unmapped'] -%}
    {{ suppress_count('coverage.' ~ fate ~ '_count') }} as {{ fate }}_count{{ ',' if not loop.last }}
{% endfor %}
from {{ ref('int_coverage') }} as coverage
cross join {{ source('registry', 'programme') }} as programme
