-- Rules over enumerators: whose answers are missing more often, and how much of an answer depends on who asked.
with rules as (
    {{ interview_rules(['enumerator_missing', 'enumerator_effect']) }}
),

counts as (
    {{ enumerator_counts() }}
),

by_item as (
    select
        site_codes.site,
        counts.wave,
        counts.instrument,
        counts.item,
        counts.enumerator,
        cast(sum(counts.interviews) as bigint) as interviews,
        cast(sum(counts.missing) as bigint) as missing,
        cast(sum(counts.asked) as bigint) as asked,
        cast(sum(counts.numbers) as bigint) as numbers,
        cast(sum(counts.total) as hugeint) as total,
        cast(sum(counts.squares) as hugeint) as squares
    from counts
    inner join {{ ref('stg_site_codes') }} as site_codes
        on counts.source = site_codes.source and counts.site_code = site_codes.site_code
    group by all
),

by_enumerator as (
    select
        site,
        wave,
        enumerator,
        max(interviews) as interviews,
        cast(sum(missing) as bigint) as missing,
        cast(sum(asked) as bigint) as asked,
        sum(cast(sum(missing) as bigint)) over (partition by site, wave) as all_missing,
        sum(cast(sum(asked) as bigint)) over (partition by site, wave) as all_asked
    from by_item
    group by site, wave, enumerator
),

outstanding as (
    select
        rules.rule,
        rules.site,
        rules.wave,
        count_if(
            100.0 * who.missing / nullif(who.asked, 0)
            - 100.0 * (who.all_missing - who.missing) / nullif(who.all_asked - who.asked, 0)
            > cast(rules.parameters ->> '$.points' as double)
        ) as violations,
        count(*) as denominator
    from rules
    inner join by_enumerator as who on rules.site = who.site and rules.wave = who.wave
    where
        rules.rule_type = 'enumerator_missing'
        and who.interviews >= cast(rules.parameters ->> '$.min_interviews' as integer)
    group by rules.rule, rules.site, rules.wave
    having count(*) > 1
),

numbers as (
    select
        rules.rule,
        rules.site,
        rules.wave,
        counted.instrument,
        counted.item,
        counted.enumerator,
        counted.numbers as n,
        cast(counted.total as double) / counted.numbers as mean,
        cast(sum(counted.total) over item as double) / sum(counted.numbers) over item as item_mean,
        -- Exact before it is divided.
        cast(counted.numbers * counted.squares - counted.total * counted.total as double)
        / counted.numbers as squares_within
    from rules
    inner join by_item as counted on rules.site = counted.site and rules.wave = counted.wave
    where
        rules.rule_type = 'enumerator_effect'
        and counted.numbers >= cast(rules.parameters ->> '$.min_interviews' as integer)
        and {{ is_item_of_rule('rules', 'counted') }}
    window item as (partition by rules.rule, rules.site, rules.wave, counted.instrument, counted.item)
),

-- One-way analysis of variance by enumerator, with the mean size of unequal groups (Searle, Variance Components, 3.6).
variances as (
    select
        rule,
        site,
        wave,
        sum(n * (mean - item_mean) * (mean - item_mean) order by enumerator) / (count(*) - 1) as between_groups,
        sum(squares_within order by enumerator) / nullif(sum(n) - count(*), 0) as within_groups,
        (sum(n) - sum(n * n) / sum(n)) / (count(*) - 1) as group_size
    from numbers
    group by rule, site, wave, instrument, item
    having count(*) > 1
),

shares as (
    select
        rule,
        site,
        wave,
        count(*) as denominator,
        max(greatest(
            (between_groups - within_groups) / (between_groups + (group_size - 1) * within_groups), 0
        )) as measured
    from variances
    where between_groups + (group_size - 1) * within_groups > 0
    group by rule, site, wave
)

select
    rules.rule,
    rules.site,
    rules.wave,
    cast(case rules.rule_type when 'enumerator_missing' then coalesce(outstanding.violations, 0) end as bigint)
        as violations,
    cast(coalesce(outstanding.denominator, shares.denominator, 0) as bigint) as denominator,
    shares.measured,
    case
        when rules.why_not_applicable is not null then rules.why_not_applicable
        when coalesce(outstanding.denominator, shares.denominator) is null
            then 'too few enumerators held enough interviews here to be compared'
    end as why_not_applicable
from rules
left join outstanding
    on rules.rule = outstanding.rule and rules.site = outstanding.site and rules.wave = outstanding.wave
left join shares
    on rules.rule = shares.rule and rules.site = shares.site and rules.wave = shares.wave
