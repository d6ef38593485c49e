-- Subgroup levels told by the sources of the frame.
with levels as (
    {{ frame_subgroups() }}
)

select
    source,
    record_id,
    dimension,
    level
from levels
where level is not null
