-- What was answered, as text: one row for each record and item, blanks kept.
with cells as (
    {{ long_cells() }}
)

select
    source,
    lake_table,
    record_id,
    instrument,
    item,
    value_text
from cells
