-- What each rule found, for every place where it must say something: nothing found is itself a row, with its state.
with counted as (
    select
        rule_type,
        site,
        wave,
        violations,
        denominator
    from {{ ref('int_fact_submissions') }}
    union all
    select
        rule_type,
        site,
        wave,
        violations,
        denominator
    from {{ ref('int_fact_frame') }}
),

found as (
    select
        spine.*,
        coalesce(answers.violations, counted.violations, deliveries.violations, aggregates.violations) as violations,
        coalesce(
            answers.denominator, counted.denominator, deliveries.denominator, arms.denominator, aggregates.denominator
        ) as denominator,
        case
            when spine.rule_type = 'arm_shares' then arms.p_value
            when spine.rule_type = 'freshness' then deliveries.silent_days
        end as measured_directly,
        deliveries.days_allowed,
        coalesce(spine.why_not_applicable, arms.why_not_applicable) as why_not_by_design
    from {{ ref('int_fact_spine') }} as spine
    left join {{ ref('int_fact_answers') }} as answers
        on spine.rule = answers.rule and spine.site = answers.site and spine.wave = answers.wave
    left join counted
        on spine.rule_type = counted.rule_type and spine.site = counted.site and spine.wave = counted.wave
    left join {{ ref('int_fact_deliveries') }} as deliveries
        on spine.rule = deliveries.rule and spine.site = deliveries.site and spine.wave = deliveries.wave
    left join {{ ref('int_fact_arm_shares') }} as arms
        on spine.rule_type = 'arm_shares' and spine.site = arms.site
    left join {{ ref('int_fact_aggregates') }} as aggregates
        on
            spine.rule_type in ({{ aggregate_rule_types() }})
            and spine.site = aggregates.site
            and spine.wave = aggregates.wave
            and spine.indicator = aggregates.indicator
),

applied as (
    select
        *,
        case
            when why_not_by_design is not null then why_not_by_design
            when rule_type not in ({{ form_rule_types() }}) then null
            when denominator is null then 'a question that the form speaks of is not in the lake of a source here'
            when denominator = 0 then 'there is no answer that the form speaks of'
        end as why_not
    from found
),

stated as (
    select
        *,
        case
            when why_not is not null then 'not_applicable'
            when denominator is null then 'not_evaluated'
            when denominator = 0 then 'no_data'
            else 'measured'
        end as fact_state
    from applied
)

select
    rule,
    rule_type,
    dimension,
    severity,
    scope,
    site,
    wave,
    indicator,
    violations,
    denominator,
    case
        when fact_state <> 'measured' then null
        when rule_type in ('arm_shares', 'freshness') then measured_directly
        when rule_type = 'volume_against_frame' then 100.0 * (denominator - violations) / denominator
        else 100.0 * violations / denominator
    end as measured,
    comparison,
    coalesce(days_allowed, threshold) as threshold,
    fact_state,
    case fact_state
        when 'not_applicable' then why_not
        when 'not_evaluated' then 'a source of this site and wave has no answers that the rule could be read from'
        when 'no_data' then 'there is nothing to judge'
    end as reason
from stated
