-- What each rule found, for every place where it must say something: nothing found is itself a row, with its state.
with found as (
    {{ found_facts() }}
),

applied as (
    select
        spine.* exclude (why_not_applicable),
        found.violations,
        found.denominator,
        found.measured as measured_directly,
        found.threshold_here,
        case
            when coalesce(spine.why_not_applicable, found.why_not_applicable) is not null
                then coalesce(spine.why_not_applicable, found.why_not_applicable)
            when spine.rule_type not in ({{ form_rule_types() }}) then null
            when found.denominator is null then 'a question that the form speaks of is not in the lake of a source here'
            when found.denominator = 0 then 'there is no answer that the form speaks of'
        end as why_not
    from {{ ref('int_fact_spine') }} as spine
    left join found
        on
            spine.rule = found.rule
            and spine.site = found.site
            and spine.wave = found.wave
            and spine.indicator = coalesce(found.indicator, spine.indicator)
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
        when fact_state = 'measured' then coalesce(measured_directly, 100.0 * violations / denominator)
    end as measured,
    comparison,
    coalesce(threshold_here, threshold) as threshold,
    fact_state,
    case fact_state
        when 'not_applicable' then why_not
        when 'not_evaluated' then 'a source of this site and wave has no answers that the rule could be read from'
        when 'no_data' then 'there is nothing to judge'
    end as reason
from stated
