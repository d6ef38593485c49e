with protected as (
    {{ shown_with_pool(ref('int_cumulative_effects')) }}
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
