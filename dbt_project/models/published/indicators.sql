with terms as (
    select
        indicator,
        string_agg(
            instrument || '.' || item || case when is_reversed then ' (reversed)' else '' end
            || case when term in ('value', 'component') then '' else ' (' || term || ')' end,
            ', ' order by term, instrument, item
        ) as measured_from,
        any_value(to_unit order by term) filter (where term = 'value') as wanted_unit
    from {{ source('registry', 'indicator_terms') }}
    group by indicator
),

indices as (
    select
        indicator,
        string_agg(component || case when sign < 0 then ' (reversed)' else '' end, ', ' order by component_order)
            as measured_from
    from {{ source('registry', 'index_components') }}
    group by indicator
),

compared as (
    select
        indicator,
        max(comparability_class) as comparability_class
    from {{ ref('int_comparability') }}
    group by indicator
)

select
    indicators.indicator,
    indicators.title,
    indicators.role,
    indicators.unit,
    indicators.statistic,
    indicators.direction,
    indicators.effect_scale,
    {{ effect_unit('indicators.effect_scale', 'indicators.unit') }} as effect_unit,
    indicators.smallest_effect,
    indicators.retention_margin,
    indicators.resolution::double as resolution,
    indicators.multiplier,
    indicators.min_answered::integer as min_answered,
    indicators.scale_min,
    indicators.scale_max,
    reliability.alpha as scale_alpha,
    reliability.n as scale_alpha_n,
    coalesce(terms.measured_from, indices.measured_from) as measured_from,
    {{ value_rule('indicators', 'terms.wanted_unit') }} as value_rule,
    coalesce(indicators.is_descriptive, false) as is_descriptive,
    compared.comparability_class,
    indicators.indicator_order::integer as indicator_order
from {{ source('registry', 'indicators') }} as indicators
left join terms using (indicator)
left join indices using (indicator)
left join compared using (indicator)
left join {{ ref('scale_reliability') }} as reliability
    on indicators.indicator = reliability.indicator and reliability.site = 'network' and reliability.wave = 'all'
