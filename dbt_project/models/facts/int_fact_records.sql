-- Rules over how records came: with which version of the form, and how long after their interview.
with records as (
    select
        source,
        site,
        wave,
        form_version,
        date_diff('day', ended_at, submitted_at) as days_under_way
    from {{ ref('stg_records') }}
    where role = 'survey' and disposition = 'complete' and site is not null and wave is not null
),

-- What most records of a source, site and wave were asked with.
commonest as (
    select
        source,
        site,
        wave,
        form_version as usual_version
    from records
    where form_version is not null
    group by source, site, wave, form_version
    qualify row_number() over (partition by source, site, wave order by count(*) desc, form_version) = 1
),

told as (
    select
        rules.rule,
        records.site,
        records.wave,
        case
            when rules.rule_type = 'lateness'
                then records.days_under_way > cast(rules.parameters ->> '$.max_days' as double)
            when json_array_length(rules.parameters -> '$.versions') > 0
                then not list_contains(rules.parameters ->> '$.versions[*]', records.form_version)
            else records.form_version <> commonest.usual_version
        end as is_violation
    from records
    left join commonest
        on records.source = commonest.source and records.site = commonest.site and records.wave = commonest.wave
    cross join {{ rules_of(['form_version_drift', 'lateness']) }} as rules
),

cells as (
    select distinct
        rules.rule,
        rules.rule_type,
        expected.site,
        expected.wave
    from {{ ref('stg_expected_deliveries') }} as expected
    cross join {{ rules_of(['form_version_drift', 'lateness']) }} as rules
)

select
    cells.rule,
    cells.site,
    cells.wave,
    cast(count_if(told.is_violation) as bigint) as violations,
    cast(count(told.is_violation) as bigint) as denominator,
    case
        when count(told.rule) > 0 and count(told.is_violation) = 0
            then case cells.rule_type
                when 'lateness' then 'no source here tells when an interview ended'
                else 'no source here tells the version of its form'
            end
    end as why_not_applicable
from cells
left join told on cells.rule = told.rule and cells.site = told.site and cells.wave = told.wave
group by cells.rule, cells.rule_type, cells.site, cells.wave
