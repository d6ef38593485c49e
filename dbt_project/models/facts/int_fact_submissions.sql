-- Rules over submissions: one per unit, from units of the frame, claimed by one source only.
with framed_units as (
    select distinct unit_key
    from {{ ref('int_frame') }}
),

claims as (
    select
        instrument,
        record_id,
        unit_id
    from {{ ref('int_submissions') }}
    group by instrument, record_id, unit_id
    having min(source) <> max(source)
),

counts as (
    select
        submissions.site,
        submissions.wave,
        count(*) as records,
        count_if(submissions.submission_rank > 1) as surplus_records,
        count_if(framed_units.unit_key is null) as unframed_records,
        count_if(claims.record_id is not null) as claimed_records
    from {{ ref('int_submissions') }} as submissions
    left join framed_units on submissions.unit_key = framed_units.unit_key
    left join claims
        on
            submissions.instrument = claims.instrument
            and submissions.record_id = claims.record_id
            and submissions.unit_id is not distinct from claims.unit_id
    group by submissions.site, submissions.wave
),

cells as (
    select distinct
        site,
        wave
    from {{ ref('stg_expected_deliveries') }}
),

counted as (
    select
        cells.site,
        cells.wave,
        coalesce(counts.records, 0) as denominator,
        coalesce(counts.surplus_records, 0) as key_unique,
        coalesce(counts.unframed_records, 0) as in_frame,
        coalesce(counts.claimed_records, 0) as claimed_once
    from cells
    left join counts on cells.site = counts.site and cells.wave = counts.wave
)

select
    rules.rule,
    counts.site,
    counts.wave,
    cast(counts.violations as bigint) as violations,
    cast(counts.denominator as bigint) as denominator
from {{ rules_of(['key_unique', 'in_frame', 'claimed_once']) }} as rules
inner join (
    from counted unpivot (violations for rule_type in (key_unique, in_frame, claimed_once))
) as counts on rules.rule_type = counts.rule_type
