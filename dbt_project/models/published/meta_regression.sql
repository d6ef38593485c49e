{%- set numbers = [
    'estimate', 'estimate_se', 'df', 'estimate_low', 'estimate_high', 'p_value', 'intercept', 'tau2_left',
    'tau2_explained_pct',
] %}
with protected as (
    select
        regression.*,
        pools.comparability_class,
        pools.is_suppressed,
        {{ effect_unit('regression.measure', 'indicators.unit') }} as effect_unit,
        {{ suppressed_words('people in an arm of a site') }} as suppressed_words,
        regression.moderator || case
            when regression.estimate_low > 0 then ' is associated with a higher effect'
            when regression.estimate_high < 0 then ' is associated with a lower effect'
            when regression.estimate is not null then ' is associated with no difference that could be told from chance'
        end || ' over these ' || regression.site_count::varchar || ' sites' as association
    from {{ ref('int_meta_regression') }} as regression
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
    model,
    moderator,
    measure,
    effect_unit,
    site_count::integer as site_count,
    moderator_count::integer as moderator_count,
    {%- for number in numbers %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    state,
    {{ unless_suppressed('association') }} as words,
    comparability_class,
    is_suppressed,
    case when is_suppressed then suppressed_words else why_missing end as why_missing
from protected
order by analysis, indicator, wave, stage, design_group, model, moderator
