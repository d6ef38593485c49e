-- The value of each indicator in each survey record, in whole steps, or why there is none.
with record_values as (
    {{ record_values() }}
)

select
    source,
    record_id,
    indicator,
    value_steps,
    exposure_steps,
    why_missing
from record_values
