-- Where each rule must say something: rule x site x wave x indicator ('*' where it concerns all of them, '-' where
-- it concerns none: what a form states of an item that no indicator reads).
with rule_indicators as (
    select distinct
        rules.rule,
        coalesce(
            terms.indicator, case when rules.rule_type in ({{ form_rule_types() }}) then '-' else '*' end
        ) as indicator
    from {{ source('registry', 'rules') }} as rules
    left join {{ source('registry', 'indicator_terms') }} as terms
        on
            rules.instrument = terms.instrument
            and (rules.item is null or rules.item = terms.item)
),

cells as (
    select
        site,
        wave,
        indicator,
        cast(null as varchar) as instrument,
        coalesce(basis, 'rows') <> 'rows' as is_aggregate
    from {{ source('registry', 'expected_cells') }}
    union
    select
        site,
        wave,
        unnest(['*', '-']) as indicator,
        instrument,
        false as is_aggregate
    from {{ ref('stg_expected_deliveries') }}
)

select distinct
    rules.rule,
    rules.rule_type,
    rules.dimension,
    rules.severity,
    rules.scope,
    cells.site,
    cells.wave,
    cells.indicator,
    rules.comparison,
    rules.threshold,
    case
        when site_waves.state = 'planned' then 'the wave is planned'
        when programme.as_of_date < rules.valid_from then 'the rule is not in force yet'
        when site_waves.closes_date < rules.valid_from then 'the wave closed before the rule came into force'
        when rules.rule_type in ({{ field_rule_types() }}) and site_waves.state <> 'in_field'
            then 'the wave is not in the field'
        when rules.rule_type in ({{ closed_wave_rule_types() }}) and site_waves.state = 'in_field'
            then 'the wave is still in the field'
    end as why_not_applicable
from {{ source('registry', 'rules') }} as rules
inner join rule_indicators on rules.rule = rule_indicators.rule
inner join cells
    on
        cells.is_aggregate = (rules.rule_type in ({{ aggregate_rule_types() }}))
        and (cells.is_aggregate or rule_indicators.indicator = cells.indicator)
        and (rules.wave is null or rules.wave = cells.wave)
        and (rules.instrument is null or cells.instrument is null or rules.instrument = cells.instrument)
cross join {{ source('registry', 'programme') }} as programme
left join {{ source('registry', 'site_waves') }} as site_waves
    on cells.site = site_waves.site and cells.wave = site_waves.wave
