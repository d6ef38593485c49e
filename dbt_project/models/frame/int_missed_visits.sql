-- Units of the frame that an instrument was to measure in a wave and did not.
with expected_visits as (
    select distinct
        site,
        wave,
        instrument
    from {{ ref('stg_expected_deliveries') }}
)

select distinct
    frame.unit_key,
    expected_visits.wave,
    expected_visits.instrument
from {{ ref('int_frame') }} as frame
inner join expected_visits
    on frame.site = expected_visits.site and (frame.wave is null or frame.wave = expected_visits.wave)
left join {{ ref('int_measurements') }} as measurements
    on
        frame.unit_key = measurements.unit_key
        and expected_visits.wave = measurements.wave
        and expected_visits.instrument = measurements.instrument
where measurements.unit_key is null
