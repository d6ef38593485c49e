{%- set numbers = [
    'without', 'without_se', 'without_df', 'without_low', 'without_high', 'without_change', 'shrinkage_pct', 'shrunken',
    'shrunken_se', 'constrained',
] %}
with protected as (
    {{ shown_with_pool(ref('int_site_influence'), 'numbers.shrinkage * 100 as shrinkage_pct,') }}
)

select
    analysis,
    indicator,
    wave,
    stage,
    design_group,
    site,
    measure,
    effect_unit,
    estimator,
    {{ unless_suppressed('site_estimate') }} as site_estimate,
    {{ unless_suppressed('weight_pct') }} as weight_pct,
    without_estimator,
    without_site_count::integer as without_site_count,
    {%- for number in numbers %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    comparability_class,
    is_suppressed,
    case when is_suppressed then suppressed_words else why_missing end as why_missing
from protected
order by analysis, indicator, wave, stage, design_group, site
