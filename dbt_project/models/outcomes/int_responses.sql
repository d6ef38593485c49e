{{ config(materialized="view") }}
-- What was answered, typed: one row for each record and item, with its state.
with cells as (
    {{ long_cells() }}
)

select
    cells.source,
    cells.lake_table,
    cells.record_id,
    cells.instrument,
    cells.item,
    items.item_type,
    cells.value_text,
    cast(cells.value_decimal as double) as value_number,
    cells.value_decimal,
    cells.state
from cells
inner join {{ source('registry', 'items') }} as items
    on cells.instrument = items.instrument and cells.item = items.item
