-- One row for each indicator, wave and unit that was to be measured or was: its value in steps, or why there is none.
with outcomes as (
    {{ outcome_rows(ref('int_measurements'), ref('int_missed_visits'), source('registry', 'waves')) }}
),

explained as (
    select
        *,
        case
            when not is_in_frame then 'not_in_frame'
            when why is not null then why
            when steps is null or exposure is null then 'unreadable'
        end as why_missing
    from outcomes
)

select
    indicator,
    wave,
    unit_key,
    site_found,
    record_id,
    case when why_missing is null then steps end as value_steps,
    case when why_missing is null then exposure end as exposure_steps,
    baseline as baseline_steps,
    why_missing
from explained
