with protected as (
    select
        changes.* exclude (why_missing),
        {{ plain_reason('changes.why_missing') }} as why_missing,
        indicators.unit,
        indicators.direction,
        indicators.statistic,
        admission.verdict as quality_verdict,
        {{ suppress_count('changes.n') }} as published_n,
        {{ is_small('changes.n') }} or (
            indicators.statistic = 'share' and changes.measure = 'level'
            and {{ is_small_share('changes.estimate * changes.n / 100', 'changes.n') }}
        ) as is_suppressed,
        {{ suppressed_words() }} as suppressed_words
    from {{ ref('int_site_changes') }} as changes
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    left join {{ source('quality', 'admission') }} as admission using (site, wave, indicator)
)

select
    analysis,
    indicator,
    wave,
    site,
    stage,
    design,
    measure,
    unit,
    {%- for number in ['estimate', 'estimate_se', 'df', 'estimate_low', 'estimate_high'] %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    published_n as n,
    cluster_count,
    case when cluster_count = 0 then 'mean_hc2' else 'mean_cr2' end as estimator,
    case measure
        when 'change' then 'mean change since the baseline of the people measured in both waves: no effect'
        else 'mean of the people measured: no effect'
    end as estimand,
    'not_identified' as effect_state,
    margin,
    {%- for number in [
        'pilot_effect', 'pilot_se', 'breakdown', 'breakdown_se', 'breakdown_df', 'breakdown_low', 'breakdown_high'
    ] %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    case
        when not is_suppressed and breakdown is not null
            then
                'if without the programme the outcome had changed by ' || printf('%+.3g', breakdown) || ' ' || unit
                || case when direction = 'higher_is_better' then ' or more' else ' or less' end || ', less than '
                || case when margin = 0.5 then 'half' else printf('%.0f', 100 * margin) || '%' end
                || ' of the pilot''s effect would remain'
    end as breakdown_words,
    state,
    {{ comparability_class('protected', stage='stage', site='site') }} as comparability_class,
    quality_verdict,
    is_suppressed,
    case when is_suppressed then suppressed_words else why_missing end as why_missing,
    why_no_breakdown
from protected
order by analysis, indicator, wave, site
