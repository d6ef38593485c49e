-- One row for each indicator, wave and unit that was to be measured or was: its value in steps, or why there is none.
with measured as (
    select
        record_values.indicator,
        measurements.wave,
        measurements.unit_key,
        measurements.site_found,
        measurements.record_id,
        case when measurements.is_in_frame then record_values.value_steps end as value_steps,
        case when measurements.is_in_frame then record_values.exposure_steps end as exposure_steps,
        case when measurements.is_in_frame then record_values.why_missing else 'not_in_frame' end as why_missing
    from {{ ref('int_record_values') }} as record_values
    inner join {{ ref('int_measurements') }} as measurements
        on record_values.source = measurements.source and record_values.record_id = measurements.record_id
),

indicator_instruments as (
    select
        indicator,
        min(instrument) as instrument
    from {{ source('registry', 'indicator_terms') }}
    group by indicator
),

unmeasured as (
    select
        indicator_instruments.indicator,
        missed_visits.wave,
        missed_visits.unit_key,
        cast(null as varchar) as site_found,
        cast(null as varchar) as record_id,
        cast(null as bigint) as value_steps,
        cast(null as bigint) as exposure_steps,
        'disposition' as why_missing
    from {{ ref('int_missed_visits') }} as missed_visits
    inner join indicator_instruments on missed_visits.instrument = indicator_instruments.instrument
),

outcomes as (
    select * from measured
    union all
    select * from unmeasured
),

baselines as (
    select
        measured.indicator,
        measured.unit_key,
        measured.wave,
        measured.value_steps
    from measured
    inner join {{ source('registry', 'waves') }} as waves on measured.wave = waves.wave and waves.is_baseline
    where measured.value_steps is not null
)

select
    outcomes.indicator,
    outcomes.wave,
    outcomes.unit_key,
    outcomes.site_found,
    outcomes.record_id,
    outcomes.value_steps,
    outcomes.exposure_steps,
    baselines.value_steps as baseline_steps,
    outcomes.why_missing
from outcomes
left join baselines
    on
        outcomes.indicator = baselines.indicator
        and outcomes.unit_key = baselines.unit_key
        and outcomes.wave <> baselines.wave
