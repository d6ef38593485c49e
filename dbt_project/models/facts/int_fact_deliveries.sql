-- Rules over deliveries: every expected source has delivered, and none has been silent too long.
with received as (
    select
        source,
        site,
        wave,
        cast(max(submitted_at) as date) as last_date
    from {{ ref('stg_records') }}
    where role = 'survey'
    group by source, site, wave
),

deliveries as (
    select
        expected.*,
        received.source is null as is_absent,
        date_diff('day', coalesce(received.last_date, expected.from_date), programme.as_of_date) as silent_days
    from {{ ref('stg_expected_deliveries') }} as expected
    cross join {{ source('registry', 'programme') }} as programme
    left join received
        on expected.source = received.source and expected.site = received.site and expected.wave = received.wave
),

-- A source's own limit goes before the rule's; the worst source speaks for the site.
judged as (
    select
        rules.rule,
        rules.rule_type,
        deliveries.site,
        deliveries.wave,
        deliveries.is_absent,
        deliveries.silent_days,
        coalesce(deliveries.max_age_days, rules.threshold) as days_allowed,
        row_number() over (
            partition by rules.rule, deliveries.site, deliveries.wave
            order by
                deliveries.silent_days - coalesce(deliveries.max_age_days, rules.threshold) desc nulls last,
                deliveries.source
        ) as silence_rank
    from deliveries
    cross join {{ rules_of(['delivered', 'freshness']) }} as rules
)

select
    rule,
    site,
    wave,
    cast(count(*) as bigint) as denominator,
    cast(
        count_if(case when rule_type = 'delivered' then is_absent else silent_days > days_allowed end) as bigint
    ) as violations,
    max(case when rule_type = 'freshness' and silence_rank = 1 then cast(silent_days as double) end) as measured,
    max(case when rule_type = 'freshness' and silence_rank = 1 then cast(days_allowed as double) end) as threshold_here
from judged
group by rule, rule_type, site, wave
