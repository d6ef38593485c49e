-- Rules over the frame's units: lost since they were assigned, ended in one way, and clusters that were reached.
with cells as (
    select distinct
        expected.site,
        expected.wave,
        waves.is_baseline
    from {{ ref('stg_expected_deliveries') }} as expected
    inner join {{ source('registry', 'waves') }} as waves on expected.wave = waves.wave
),

clusters as (
    select
        site,
        wave,
        cluster_id,
        count_if(disposition = 'complete') as measured
    from {{ ref('int_frame_dispositions') }}
    where cluster_id is not null and not is_replaced
    group by site, wave, cluster_id
),

-- One row for whatever a rule counts: whether it violates the rule, and where.
counted as (
    select
        rules.rule,
        units.site,
        units.wave,
        case rules.rule_type
            when 'attrition' then units.disposition <> 'complete'
            else units.disposition = rules.parameters ->> '$.disposition'
        end as is_violation
    from {{ ref('int_frame_dispositions') }} as units
    inner join {{ rules_of(['attrition', 'disposition_share']) }} as rules
        on
            (rules.rule_type = 'attrition' and units.is_randomised and not units.is_replacement)
            or (rules.rule_type = 'disposition_share' and not units.is_replaced)
    union all
    select
        rules.rule,
        clusters.site,
        clusters.wave,
        clusters.measured < cast(rules.parameters ->> '$.min_units' as bigint) as is_violation
    from clusters
    cross join {{ rules_of(['cluster_counts']) }} as rules
)

select
    rules.rule,
    cells.site,
    cells.wave,
    cast(count_if(counted.is_violation) as bigint) as violations,
    cast(count(counted.rule) as bigint) as denominator,
    case
        when rules.rule_type = 'cluster_counts'
            then 100.0 * (count(counted.rule) - count_if(counted.is_violation)) / nullif(count(counted.rule), 0)
    end as measured,
    case
        when rules.rule_type = 'attrition' and any_value(cells.is_baseline)
            then 'who is measured at a baseline was not assigned before'
        when rules.rule_type = 'attrition' and count(counted.rule) = 0 then 'nobody was assigned by lot here'
        when rules.rule_type = 'cluster_counts' and count(counted.rule) = 0 then 'the frame has no clusters here'
    end as why_not_applicable
from cells
cross join {{ rules_of(['attrition', 'disposition_share', 'cluster_counts']) }} as rules
left join counted on rules.rule = counted.rule and cells.site = counted.site and cells.wave = counted.wave
group by rules.rule, rules.rule_type, cells.site, cells.wave
