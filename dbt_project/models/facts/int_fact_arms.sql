-- Rules over arms: sizes that contradict the design, losses that differ, and arms told differently.
with cells as (
    select distinct
        expected.site,
        expected.wave,
        waves.is_baseline
    from {{ ref('stg_expected_deliveries') }} as expected
    inner join {{ source('registry', 'waves') }} as waves on expected.wave = waves.wave
),

lost as (
    select
        site,
        wave,
        arm,
        count(*) as units,
        count_if(disposition <> 'complete') as missing
    from {{ ref('int_frame_dispositions') }}
    where arm is not null and is_randomised and not is_replacement
    group by site, wave, arm
),

overall as (
    select
        site,
        wave,
        sum(units) as units,
        (200 * sum(missing) + sum(units)) // (2 * sum(units)) as missing_pct
    from lost
    group by site, wave
),

differences as (
    select
        treated.site,
        treated.wave,
        max(
            100.0 * abs(treated.missing * control.units - control.missing * treated.units)
            / (treated.units * control.units)
        ) as points
    from lost as treated
    inner join lost as control on treated.site = control.site and treated.wave = control.wave
    where control.arm = 'control' and treated.arm <> 'control'
    group by treated.site, treated.wave
),

boundary (overall_pct, cautious, optimistic) as (
    {{ attrition_boundary() }}
)

select
    rules.rule,
    shares.site,
    cells.wave,
    cast(null as bigint) as violations,
    shares.denominator,
    shares.p_value as measured,
    cast(null as double) as threshold_here,
    shares.why_not_applicable
from {{ rules_of(['arm_shares']) }} as rules
cross join {{ ref('int_fact_arm_shares') }} as shares
inner join cells on shares.site = cells.site
union all
select
    rules.rule,
    cells.site,
    cells.wave,
    cast(null as bigint) as violations,
    cast(overall.units as bigint) as denominator,
    differences.points as measured,
    case rules.parameters ->> '$.boundary'
        when 'cautious' then least(rules.threshold, coalesce(boundary.cautious / 10, 0))
        when 'optimistic' then least(rules.threshold, coalesce(boundary.optimistic / 10, 0))
    end as threshold_here,
    case
        when cells.is_baseline then 'who is measured at a baseline was not assigned before'
        when differences.points is null then 'no two arms were assigned by lot here'
    end as why_not_applicable
from {{ rules_of(['attrition_differential']) }} as rules
cross join cells
left join overall on cells.site = overall.site and cells.wave = overall.wave
left join differences on cells.site = differences.site and cells.wave = differences.wave
left join boundary on overall.missing_pct = boundary.overall_pct
