-- Rules over the frame: each unit listed once, and enough of its units measured.
with cells as (
    select distinct
        site,
        wave
    from {{ ref('stg_expected_deliveries') }}
),

-- A row without a unit is a unit of its own, and a fault.
units as (
    select
        site,
        round,
        wave,
        coalesce(unit_key, source || ':' || record_id) as unit_key,
        coalesce(max(unit_row_rank), 2) as times_listed
    from {{ ref('int_frame_rows') }}
    where site is not null
    group by all
),

listed as (
    select
        cells.site,
        cells.wave,
        count(units.unit_key) as denominator,
        count_if(units.times_listed > 1) as violations
    from cells
    left join units on cells.site = units.site and (units.wave is null or cells.wave = units.wave)
    group by cells.site, cells.wave
),

-- A replaced unit is not awaited any more: its replacement is.
measured as (
    select
        cells.site,
        cells.wave,
        count(dispositions.unit_key) as denominator,
        count_if(dispositions.disposition <> 'complete') as violations
    from cells
    left join {{ ref('int_dispositions') }} as dispositions
        on cells.site = dispositions.site and cells.wave = dispositions.wave and not dispositions.is_replaced
    group by cells.site, cells.wave
)

select
    rules.rule,
    listed.site,
    listed.wave,
    cast(listed.violations as bigint) as violations,
    cast(listed.denominator as bigint) as denominator,
    cast(null as double) as measured
from {{ rules_of(['frame_unique']) }} as rules
cross join listed
union all
select
    rules.rule,
    measured.site,
    measured.wave,
    cast(measured.violations as bigint) as violations,
    cast(measured.denominator as bigint) as denominator,
    100.0 * (measured.denominator - measured.violations) / nullif(measured.denominator, 0) as measured
from {{ rules_of(['volume_against_frame']) }} as rules
cross join measured
