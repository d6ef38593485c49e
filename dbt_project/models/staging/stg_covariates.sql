-- Covariates told by the sources of the frame.
with numbers as (
    {{ frame_covariates() }}
)

select
    source,
    record_id,
    covariate,
    steps
from numbers
where abs(steps) < 10::bigint ** 14
