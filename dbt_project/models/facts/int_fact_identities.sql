-- Rules over who a unit is from one telling to the next: nobody forgotten later, nobody's arm told differently.
with cells as (
    select distinct
        expected.site,
        expected.wave,
        waves.wave_order
    from {{ ref('stg_expected_deliveries') }} as expected
    inner join {{ source('registry', 'waves') }} as waves on expected.wave = waves.wave
),

seen_before as (
    select distinct
        cells.site,
        cells.wave,
        measured.unit_key
    from cells
    inner join {{ ref('int_measurements') }} as measured on cells.site = measured.site_found
    inner join {{ source('registry', 'waves') }} as waves
        on measured.wave = waves.wave and cells.wave_order > waves.wave_order
),

-- A unit that its frame lists and nothing is told of is as lost from sight as one that the frame has dropped.
followed as (
    select
        'ids_vanish' as rule_type,
        seen_before.site,
        seen_before.wave,
        seen_before.unit_key,
        coalesce(dispositions.disposition, 'unaccounted') = 'unaccounted' as is_violation
    from seen_before
    left join {{ ref('int_dispositions') }} as dispositions
        on seen_before.unit_key = dispositions.unit_key and seen_before.wave = dispositions.wave
),

told_arms as (
    select
        rows_told.site,
        rows_told.wave,
        rows_told.unit_key,
        rows_told.arm
    from {{ ref('int_frame_rows') }} as rows_told
    inner join {{ ref('int_primary_rounds') }} as primary_rounds
        on rows_told.site = primary_rounds.site and rows_told.round = primary_rounds.round
    where rows_told.arm is not null and rows_told.unit_key is not null
    union all
    select
        site,
        wave,
        unit_key,
        arm
    from {{ ref('stg_records') }}
    where role = 'survey' and disposition = 'complete' and arm is not null and unit_key is not null
),

checked as (
    select
        'arm_changes' as rule_type,
        cells.site,
        cells.wave,
        told_arms.unit_key,
        count(distinct told_arms.arm) > 1 as is_violation
    from cells
    inner join told_arms on cells.site = told_arms.site and cells.wave = coalesce(told_arms.wave, cells.wave)
    group by cells.site, cells.wave, told_arms.unit_key
    having count(*) > 1
),

found as (
    select * from followed
    union all
    select * from checked
)

select
    rules.rule,
    cells.site,
    cells.wave,
    cast(count_if(found.is_violation) as bigint) as violations,
    cast(count(found.unit_key) as bigint) as denominator,
    case
        when count(found.unit_key) = 0
            then case rules.rule_type
                when 'ids_vanish' then 'nobody was measured here at an earlier wave'
                else 'nobody''s arm is told more than once here'
            end
    end as why_not_applicable
from {{ rules_of(['ids_vanish', 'arm_changes']) }} as rules
cross join cells
left join found
    on rules.rule_type = found.rule_type and cells.site = found.site and cells.wave = found.wave
group by rules.rule, rules.rule_type, cells.site, cells.wave
