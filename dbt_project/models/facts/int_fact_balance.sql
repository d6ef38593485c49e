-- Whether treated and control units were alike in what the frame tells of them: the largest standardised difference.
--   (m1 - m0) / sqrt((s1^2 + s0^2) / 2), s^2 = p (1 - p) for levels; replacements are left out
with units as (
    select
        frame.round,
        frame.unit_key,
        frame.site,
        bool_or(frame.arm <> 'control') as is_treated
    from {{ ref('int_frame') }} as frame
    inner join {{ ref('int_primary_rounds') }} as primary_rounds
        on frame.site = primary_rounds.site and frame.round = primary_rounds.round
    where frame.arm is not null and not frame.is_replacement
    group by frame.round, frame.unit_key, frame.site
),

levels as (
    select distinct
        dimension,
        level
    from {{ ref('int_subgroups') }}
),

told as (
    select
        round,
        unit_key,
        'covariate ' || covariate as name,
        cast(steps as double) as number,
        false as is_level
    from {{ ref('int_covariates') }}
    union all
    select
        subgroups.round,
        subgroups.unit_key,
        'subgroup ' || levels.dimension || ' ' || levels.level as name,
        cast(subgroups.level = levels.level as double) as number,
        true as is_level
    from {{ ref('int_subgroups') }} as subgroups
    inner join levels on subgroups.dimension = levels.dimension
),

arms as (
    select
        units.site,
        units.is_treated,
        told.name,
        count(*) as n,
        avg(told.number order by told.number) as mean,
        case
            when any_value(told.is_level) then mean * (1 - mean)
            else var_samp(told.number order by told.number)
        end as variance
    from units
    inner join told on units.round = told.round and units.unit_key = told.unit_key
    group by units.site, units.is_treated, told.name
    having count(*) > 1
),

-- Where neither arm varies at all, in the standard deviation of both together.
differences as (
    select
        treated.site,
        max(case
            when treated.mean = control.mean then 0
            when treated.variance + control.variance > 0
                then abs(treated.mean - control.mean) / sqrt((treated.variance + control.variance) / 2)
            else (treated.n + control.n) / sqrt(treated.n * control.n)
        end) as largest
    from arms as treated
    inner join arms as control
        on treated.site = control.site and treated.name = control.name and treated.is_treated and not control.is_treated
    group by treated.site
),

cells as (
    select distinct
        site,
        wave
    from {{ ref('stg_expected_deliveries') }}
),

sites as (
    select
        cells.site,
        cells.wave,
        count(units.unit_key) as n
    from cells
    left join units on cells.site = units.site
    group by cells.site, cells.wave
)

select
    rules.rule,
    sites.site,
    sites.wave,
    cast(null as bigint) as violations,
    cast(sites.n as bigint) as denominator,
    differences.largest as measured,
    case
        when differences.largest is null then 'the frame tells nothing of two arms that could be compared here'
    end as why_not_applicable
from {{ rules_of(['baseline_balance']) }} as rules
cross join sites
left join differences on sites.site = differences.site
