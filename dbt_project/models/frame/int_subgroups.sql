-- The frame's subgroups: one level for each round, unit and dimension, from the earliest wave that tells it.
with told as (
    select
        frame_rows.round,
        frame_rows.unit_key,
        subgroups.dimension,
        subgroups.level,
        row_number() over (
            partition by frame_rows.round, frame_rows.unit_key, subgroups.dimension
            order by waves.wave_order nulls first, frame_rows.role_rank, frame_rows.source
        ) as telling_rank
    from {{ ref('int_frame_rows') }} as frame_rows
    inner join {{ ref('stg_subgroups') }} as subgroups
        on frame_rows.source = subgroups.source and frame_rows.record_id = subgroups.record_id
    left join {{ source('registry', 'waves') }} as waves on frame_rows.wave = waves.wave
    where frame_rows.unit_row_rank = 1 and frame_rows.site is not null
)

select
    round,
    unit_key,
    dimension,
    level
from told
where telling_rank = 1
