-- Rules over how interviews were held: how long, at what hour, how many a day, two at once, many at one place.
with rules as (
    {{ interview_rules([
        'interview_duration', 'night_interviews', 'enumerator_productivity', 'overlapping_interviews', 'same_place'
    ]) }}
),

interviews as (
    select
        source,
        record_id,
        site,
        wave,
        unit_key,
        enumerator,
        started_at,
        ended_at,
        date_diff('second', started_at, ended_at) / 60.0 as minutes,
        cast(coalesce(started_at, submitted_at) as date) as day,
        position as place,
        -- Five decimals of a degree are a metre; fewer were made coarse, and are shared by many.
        regexp_extract(position, '^(-?\d+\.\d{5,}[\s,;]+-?\d+\.\d{5,})', 1) as exact_place
    from {{ ref('stg_records') }}
    where
        role = 'survey' and disposition = 'complete' and wave is not null
        and source in ({{ sql_texts(sources_telling() or ['']) }})
),

times as (
    select
        rules.rule,
        rules.site,
        rules.wave,
        -- A rule has its own limits only: those of other types are null.
        coalesce(interviews.minutes < 0 and rules.rule_type = 'interview_duration', false)
        or coalesce(interviews.minutes < cast(rules.parameters ->> '$.min_minutes' as double), false)
        or coalesce(interviews.minutes > cast(rules.parameters ->> '$.max_minutes' as double), false)
        or coalesce(hour(interviews.started_at) < cast(rules.parameters ->> '$.from_hour' as integer), false)
        or coalesce(hour(interviews.started_at) >= cast(rules.parameters ->> '$.to_hour' as integer), false)
            as is_violation
    from rules
    inner join interviews on rules.site = interviews.site and rules.wave = interviews.wave
    where
        rules.rule_type = 'interview_duration' and interviews.minutes is not null
        or rules.rule_type = 'night_interviews' and interviews.started_at is not null
),

days as (
    select
        rules.rule,
        rules.site,
        rules.wave,
        count(*) > any_value(cast(rules.parameters ->> '$.max_per_day' as integer)) as is_violation
    from rules
    inner join interviews on rules.site = interviews.site and rules.wave = interviews.wave
    where
        rules.rule_type = 'enumerator_productivity'
        and interviews.enumerator is not null and interviews.day is not null
    group by rules.rule, rules.site, rules.wave, interviews.enumerator, interviews.day
),

-- The latest end of what the same enumerator had begun before.
earlier as (
    select
        rules.rule,
        rules.site,
        rules.wave,
        cast(rules.parameters ->> '$.min_minutes' as double) as min_minutes,
        interviews.started_at,
        interviews.ended_at,
        max(interviews.ended_at) over (
            partition by
                rules.rule, rules.site, rules.wave, interviews.enumerator,
                case
                    when rules.parameters ->> '$.same_place' = 'true'
                        then coalesce(interviews.place, interviews.record_id)
                end
            order by interviews.started_at, interviews.source, interviews.record_id
            rows between unbounded preceding and 1 preceding
        ) as busy_until
    from rules
    inner join interviews on rules.site = interviews.site and rules.wave = interviews.wave
    where
        rules.rule_type = 'overlapping_interviews' and interviews.enumerator is not null
        and interviews.minutes between 0 and cast(rules.parameters ->> '$.left_open_minutes' as double)
),

overlapping as (
    select
        rule,
        site,
        wave,
        busy_until > started_at
        and date_diff('second', started_at, least(ended_at, busy_until)) / 60.0 >= min_minutes as is_violation
    from earlier
),

shared as (
    select
        site,
        wave,
        exact_place,
        count(distinct coalesce(unit_key, record_id)) as units
    from interviews
    where exact_place <> ''
    group by site, wave, exact_place
),

places as (
    select
        rules.rule,
        rules.site,
        rules.wave,
        shared.units > cast(rules.parameters ->> '$.max_units' as integer) as is_violation
    from rules
    inner join interviews on rules.site = interviews.site and rules.wave = interviews.wave
    inner join shared
        on
            interviews.site = shared.site
            and interviews.wave = shared.wave
            and interviews.exact_place = shared.exact_place
    where rules.rule_type = 'same_place'
),

judged as (
    select * from times
    union all
    select * from days
    union all
    select * from overlapping
    union all
    select * from places
),

counted as (
    select
        rules.rule,
        rules.site,
        rules.wave,
        rules.rule_type,
        rules.why_not_applicable,
        coalesce(count_if(judged.is_violation), 0) as violations,
        count(judged.rule) as denominator
    from rules
    left join judged on rules.rule = judged.rule and rules.site = judged.site and rules.wave = judged.wave
    group by all
)

select
    rule,
    site,
    wave,
    cast(violations as bigint) as violations,
    cast(denominator as bigint) as denominator,
    cast(null as double) as measured,
    case
        when why_not_applicable is not null then why_not_applicable
        when rule_type = 'same_place' and denominator = 0 then 'no place here is told to the metre'
    end as why_not_applicable
from counted
