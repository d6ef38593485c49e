-- The effect that the regression of site effects predicts along a trait of the sites; hidden where the pool is.
with protected as (
    {{ shown_with_pool(ref('int_dose_curve')) }}
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
