-- What became of each unit of the frame in each wave its site was to be measured in.
with expected_waves as (
    select distinct
        site,
        wave,
        wave_state
    from {{ ref('stg_expected_deliveries') }}
),

expected_units as (
    select
        frame.unit_key,
        frame.site,
        frame.is_replaced,
        expected_waves.wave,
        expected_waves.wave_state
    from {{ ref('int_frame') }} as frame
    inner join {{ ref('int_primary_rounds') }} as primary_rounds
        on frame.site = primary_rounds.site and frame.round = primary_rounds.round
    inner join expected_waves
        on frame.site = expected_waves.site and (frame.wave is null or frame.wave = expected_waves.wave)
    qualify row_number() over (
        partition by frame.unit_key, expected_waves.wave order by frame.wave nulls last, frame.site
    ) = 1
),

measured as (
    select distinct
        unit_key,
        wave
    from {{ ref('int_measurements') }}
),

-- The latest word on a unit that was not measured, from the form's own result or from tracking.
reports as (
    select
        unit_key,
        wave,
        case when disposition in ({{ told_dispositions() }}) then disposition else 'other' end as disposition
    from {{ ref('stg_records') }}
    where role in ('survey', 'tracking') and disposition <> 'complete' and unit_key is not null and wave is not null
    qualify row_number() over (
        partition by unit_key, wave order by submitted_at desc nulls last, record_id desc, source asc
    ) = 1
)

select
    expected_units.unit_key,
    expected_units.site,
    expected_units.wave,
    expected_units.is_replaced,
    case
        when measured.unit_key is not null then 'complete'
        when reports.disposition <> 'not_yet' then reports.disposition
        when expected_units.wave_state in ('planned', 'in_field') then 'not_yet'
        else 'unaccounted'
    end as disposition
from expected_units
left join measured on expected_units.unit_key = measured.unit_key and expected_units.wave = measured.wave
left join reports on expected_units.unit_key = reports.unit_key and expected_units.wave = reports.wave
