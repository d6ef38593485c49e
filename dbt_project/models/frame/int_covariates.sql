-- The frame's covariates: one number for each round, unit and covariate, from the earliest wave that tells it.
with told as (
    select
        frame_rows.round,
        frame_rows.unit_key,
        covariates.covariate,
        covariates.steps,
        row_number() over (
            partition by frame_rows.round, frame_rows.unit_key, covariates.covariate
            order by waves.wave_order nulls first, frame_rows.role_rank, frame_rows.source
        ) as telling_rank
    from {{ ref('int_frame_rows') }} as frame_rows
    inner join {{ ref('stg_covariates') }} as covariates
        on frame_rows.source = covariates.source and frame_rows.record_id = covariates.record_id
    left join {{ source('registry', 'waves') }} as waves on frame_rows.wave = waves.wave
    where frame_rows.unit_row_rank = 1 and frame_rows.site is not null
)

select
    round,
    unit_key,
    covariate,
    steps
from told
where telling_rank = 1
