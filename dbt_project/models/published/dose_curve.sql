-- The effect that the regression of site effects predicts along a trait of the sites; hidden where the pool is.
with protected as (
    select
        curve.*,
        pools.is_suppressed,
        {{ effect_unit('curve.measure', 'indicators.unit') }} as effect_unit,
        {{ suppressed_words('people in an arm of a site') }} as suppressed_words
    from {{ ref('int_dose_curve') }} as curve
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
    moderator,
    position_pct::integer as position_pct,
    measure,
    effect_unit,
    {%- for number in ['dose', 'predicted', 'predicted_se', 'df', 'predicted_low', 'predicted_high'] %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    is_suppressed,
    case when is_suppressed then suppressed_words end as why_missing
from protected
order by analysis, indicator, wave, stage, design_group, moderator, position_pct
