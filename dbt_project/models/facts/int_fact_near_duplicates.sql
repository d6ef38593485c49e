-- Interviews that agree with another unit's in nearly all questions, found without comparing all with all: two
-- interviews that differ in d questions are alike in one band at least where the questions are dealt into d + 1 bands.
{% set neighbours = 100 %}
with rules as (
    {{ interview_rules(['near_duplicates']) }}
),

told as (
    {{ answer_hashes() }}
),

clusters as (
    select
        unit_key,
        min(cluster_id) as cluster_id
    from {{ ref('int_frame') }}
    group by unit_key
),

interviews as materialized (
    select
        row_number() over () as interview,
        rules.rule,
        rules.site,
        rules.wave,
        cast(rules.parameters ->> '$.agree_pct' as double) as agree_pct,
        cast(rules.parameters ->> '$.min_items' as integer) as min_items,
        coalesce('by ' || records.enumerator, 'in ' || clusters.cluster_id, '') as block,
        records.source,
        records.record_id,
        coalesce(records.unit_key, records.record_id) as unit_key,
        told.answers,
        cast(floor(len(told.answers) * (1 - agree_pct / 100) + 1e-9) as integer) + 1 as bands
    from rules
    inner join {{ ref('stg_records') }} as records
        on
            rules.site = records.site and rules.wave = records.wave
            and records.role = 'survey' and records.disposition = 'complete'
    inner join told on records.source = told.source and records.record_id = told.record_id
    left join clusters on records.unit_key = clusters.unit_key
    where len(told.answers) >= min_items
),

-- One number says what is alike: the rule, the block, and the answers of a band.
dealt as (
    select
        interview,
        record_id,
        hash(answers) as whole,
        unnest(list_transform(range(1, bands + 1), lambda band: hash(
            rule, site, wave, block, source, band, list_slice(answers, band, len(answers), bands)
        ))) as likeness
    from interviews
),

shared as (
    select likeness
    from dealt
    group by likeness
    having count(*) > 1
),

-- Where many share a band, each is compared with those next to it in the order of all its answers.
alike as (
    select
        dealt.interview,
        dealt.likeness,
        row_number() over (partition by dealt.likeness order by dealt.whole, dealt.record_id) as place
    from dealt
    inner join shared on dealt.likeness = shared.likeness
),

pairs as (
    select distinct
        one.interview as one_interview,
        other.interview as other_interview
    from alike as one
    inner join alike as other
        on one.likeness = other.likeness and other.place between one.place + 1 and one.place + {{ neighbours }}
),

compared as (
    select
        pairs.one_interview,
        pairs.other_interview,
        one.agree_pct,
        one.min_items,
        list_zip(one.answers, other.answers) as answers
    from pairs
    inner join interviews as one on pairs.one_interview = one.interview
    inner join interviews as other on pairs.other_interview = other.interview
    where one.unit_key <> other.unit_key
),

copies as (
    select distinct unnest([one_interview, other_interview]) as interview
    from compared
    where
        len(list_filter(answers, lambda pair: pair[1] is not null or pair[2] is not null)) >= min_items
        and 100.0 * len(list_filter(answers, lambda pair: pair[1] = pair[2]))
        >= agree_pct * len(list_filter(answers, lambda pair: pair[1] is not null or pair[2] is not null))
),

counted as (
    select
        interviews.rule,
        interviews.site,
        interviews.wave,
        count(*) as denominator,
        count(copies.interview) as violations
    from interviews
    left join copies on interviews.interview = copies.interview
    group by interviews.rule, interviews.site, interviews.wave
)

select
    rules.rule,
    rules.site,
    rules.wave,
    cast(coalesce(counted.violations, 0) as bigint) as violations,
    cast(coalesce(counted.denominator, 0) as bigint) as denominator,
    cast(null as double) as measured,
    case when counted.rule is null then 'no interview here holds as many questions as the rule needs' end
        as why_not_applicable
from rules
left join counted on rules.rule = counted.rule and rules.site = counted.site and rules.wave = counted.wave
