-- One row for each indicator of items, wave and unit that was to be measured or was: its value in steps, or why there
-- is none. Indices are reckoned from these.
-- A change is the value minus the unit's own baseline, both in steps.
with outcomes as (
    {{ outcome_rows(ref('int_measurements'), ref('int_missed_visits'), source('registry', 'waves')) }}
),

explained as (
    select
        outcomes.*,
        coalesce(indicators.is_change, false) as is_change,
        case
            when not outcomes.is_in_frame then 'not_in_frame'
            when outcomes.why is not null then outcomes.why
            when outcomes.steps is null or outcomes.exposure is null then 'too_large'
            when indicators.is_change and outcomes.baseline is null then 'no_baseline'
        end as why_missing
    from outcomes
    inner join {{ source('registry', 'indicators') }} as indicators on outcomes.indicator = indicators.indicator
)

select
    indicator,
    wave,
    unit_key,
    site_found,
    record_id,
    case when why_missing is null then steps - case when is_change then baseline else 0 end end as value_steps,
    case when why_missing is null then exposure end as exposure_steps,
    baseline as baseline_steps,
    why_missing
from explained
