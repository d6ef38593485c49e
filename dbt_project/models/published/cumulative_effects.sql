with protected as (
    select
        cumulative.*,
        pools.comparability_class,
        pools.is_suppressed,
        {{ effect_unit('cumulative.measure', 'indicators.unit') }} as effect_unit,
        {{ suppressed_words('people in an arm of a site') }} as suppressed_words
    from {{ ref('int_cumulative_effects') }} as cumulative
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    inner join {{ ref('int_suppressed_pools') }} as pools using (pool_id)
)

select
    analysis,
    indicator,
    wave,
    stage,
    design_group,
    turn::integer as turn,
    site,
    started_date,
    measure,
    effect_unit,
    estimator,
    inference,
    site_count::integer as site_count,
    {%- for number in ['estimate', 'estimate_se', 'df', 'estimate_low', 'estimate_high', 'tau2'] %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    comparability_class,
    is_suppressed,
    case when is_suppressed then suppressed_words else why_missing end as why_missing
from protected
order by analysis, indicator, wave, stage, design_group, turn
