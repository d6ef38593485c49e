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

interviews as (
    select
        rules.rule,
        rules.site,
        rules.wave,
        cast(rules.parameters ->> '$.agree_pct' as double) as agree_pct,
        cast(rules.parameters ->> '$.min_items' as integer) as min_items,
        coalesce('by ' || records.enumerator, 'in ' || clusters.cluster_id, '') as block,
        records.source,
        records.instrument,
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

dealt as (
    select
        *,
        unnest(range(1, bands + 1)) as band
    from interviews
),

-- In a band that many share, each is compared with those next to it in the order of all its answers.
alike as (
    select
        *,
        hash(list_slice(answers, band, len(answers), bands)) as likeness,
        row_number() over (
            partition by rule, site, wave, block, source, band, hash(list_slice(answers, band, len(answers), bands))
            order by hash(answers), record_id
        ) as place
    from dealt
),

pairs as (
    select distinct
        one.rule,
        one.site,
        one.wave,
        one.source,
        one.record_id as one_id,
        other.record_id as other_id,
        one.agree_pct,
        one.min_items,
        list_zip(one.answers, other.answers) as answers
    from alike as one
    inner join alike as other
        on
            one.rule = other.rule and one.site = other.site and one.wave = other.wave and one.block = other.block
            and one.source = other.source and one.band = other.band and one.likeness = other.likeness
            and other.place between one.place + 1 and one.place + {{ neighbours }}
            and one.unit_key <> other.unit_key
),

copies as (
    select distinct
        rule,
        site,
        wave,
        source,
        unnest([one_id, other_id]) as record_id
    from pairs
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
        count(copies.record_id) as violations
    from interviews
    left join copies
        on
            interviews.rule = copies.rule and interviews.site = copies.site and interviews.wave = copies.wave
            and interviews.source = copies.source and interviews.record_id = copies.record_id
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
