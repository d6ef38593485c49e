-- Rules over back-checks: how often a second visit is told another answer, and how far answers agree beyond chance.
with rules as (
    {{ interview_rules(['back_check_error_rate', 'back_check_reliability']) }}
),

checks as (
    select
        source,
        record_id,
        instrument,
        wave,
        unit_key
    from {{ ref('stg_records') }}
    where role = 'back_check' and disposition = 'complete' and unit_key is not null and wave is not null
    qualify row_number() over (
        partition by unit_key, wave, instrument order by submitted_at desc nulls last, record_id desc, source asc
    ) = 1
),

pairs as (
    select
        submissions.site,
        submissions.wave,
        submissions.source,
        submissions.record_id,
        checks.source as checking_source,
        checks.record_id as checking_record_id
    from checks
    inner join {{ ref('int_submissions') }} as submissions
        on
            checks.unit_key = submissions.unit_key
            and checks.wave = submissions.wave
            and checks.instrument = submissions.instrument
            and submissions.submission_rank = 1
),

cells as (
    {{ paired_cells() }}
),

-- Answers that both hold.
told_twice as (
    select
        pairs.*,
        first_told.instrument,
        first_told.item,
        coalesce(cast(first_told.value_decimal as varchar), first_told.value_text) as one_code,
        coalesce(cast(then_told.value_decimal as varchar), then_told.value_text) as other_code,
        first_told.value_decimal as one_number,
        then_told.value_decimal as other_number,
        items.item_type in ('integer', 'number', 'amount') as is_number
    from pairs
    inner join cells as first_told on pairs.source = first_told.source and pairs.record_id = first_told.record_id
    inner join cells as then_told
        on
            pairs.checking_source = then_told.source
            and pairs.checking_record_id = then_told.record_id
            and first_told.item = then_told.item
    inner join {{ source('registry', 'items') }} as items
        on first_told.instrument = items.instrument and first_told.item = items.item
    where first_told.state = 'answered' and then_told.state = 'answered'
),

asked as (
    select
        rules.rule,
        rules.rule_type,
        rules.parameters,
        told_twice.*
    from rules
    inner join told_twice on rules.site = told_twice.site and rules.wave = told_twice.wave
    where
        json_array_length(rules.parameters -> '$.items') = 0
        or list_has_any(
            cast(rules.parameters -> '$.items' as varchar[]),
            [told_twice.item, told_twice.instrument || '.' || told_twice.item]
        )
),

errors as (
    select
        rule,
        site,
        wave,
        count(*) as denominator,
        count_if(
            case
                when is_number
                    then abs(one_number - other_number) > cast(parameters ->> '$.tolerance' as decimal(38, 12))
                else one_code <> other_code
            end
        ) as violations
    from asked
    where rule_type = 'back_check_error_rate'
    group by rule, site, wave
),

{{ agreements('asked') }},

reliability as (
    select
        rule,
        site,
        wave,
        count(*) as denominator,
        min(agreement) as measured
    from agreements
    where agreement is not null
    group by rule, site, wave
)

select
    rules.rule,
    rules.site,
    rules.wave,
    cast(case rules.rule_type when 'back_check_error_rate' then coalesce(errors.violations, 0) end as bigint)
        as violations,
    cast(coalesce(errors.denominator, reliability.denominator, 0) as bigint) as denominator,
    reliability.measured,
    rules.why_not_applicable
from rules
left join errors on rules.rule = errors.rule and rules.site = errors.site and rules.wave = errors.wave
left join reliability
    on rules.rule = reliability.rule and rules.site = reliability.site and rules.wave = reliability.wave
