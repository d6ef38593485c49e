-- Did the effect hold at scale: one row per question, with the verdict in words beside its numbers.
-- Holm's procedure runs over an analysis' primary indicators and waves (a baseline wave asks nothing): a claim that
-- does not survive it is inconclusive. Indicators that claim nothing count with p = 1. The rest is exploratory.
with ranked as (
    select
        c.*,
        b.barred,
        b.bar,
        b.is_tested,
        if(b.barred is null, c.p_claim, 1) as p_tested,
        row_number() over (
            partition by analysis, b.is_tested order by p_tested, indicator, wave
        ) as place,
        count(*) over (partition by analysis, b.is_tested) as family_size
    from {{ ref('int_retention_claims') }} as c
    inner join {{ ref('int_retention_bars') }} as b using (analysis, indicator, wave)
),

adjusted as (
    select
        *,
        case
            when is_tested then least(1, max((family_size - place + 1) * p_tested) over (
                partition by analysis, is_tested order by place
            ))
        end as p_holm,
        case
            when barred is not null then barred
            when claim not in ('not_established', 'inconclusive') and coalesce(p_holm, p_claim) > 0.05
                then 'inconclusive'
            else claim
        end as verdict
    from ranked
)

select
    analysis,
    indicator,
    wave,
    measure,
    estimator,
    {%- for side in ['pilot', 'scaled'] %}
        {{ side }}_estimate,
        {{ side }}_se,
        {{ side }}_df,
        {{ side }}_estimate - t_quantile(0.975, {{ side }}_df) * {{ side }}_se as {{ side }}_low,
        {{ side }}_estimate + t_quantile(0.975, {{ side }}_df) * {{ side }}_se as {{ side }}_high,
        {{ side }}_site_count,
    {%- endfor %}
    {% for name in [
        'retention', 'retention_set', 'retention_low', 'retention_high', 'retention_df', 'retention_set_normal',
        'retention_low_normal', 'retention_high_normal', 'change', 'change_se', 'change_df', 'change_low',
        'change_high', 'change_verdict', 'margin', 'contrast', 'contrast_se', 'contrast_df'
    ] %}{{ name }}, {% endfor %}
    case when barred is null then p_claim end as p_claim,
    case when barred is null then p_holm end as p_claim_holm,
    verdict,
    {{ verdict_words('verdict', 'margin', 'change_verdict') }} as verdict_words,
    nullif(concat_ws(
        '; ', bar,
        case
            when barred is null and verdict <> claim then claim || ' does not survive the other primary indicators'
        end,
        case
            when barred is null and a.pilot_selection = 'significant_at_5pct'
                then 'the pilot was selected for its significance: its effect is likely overstated'
        end
    ), '') as why
from adjusted
inner join {{ source('registry', 'analyses') }} as a using (analysis)
order by analysis, indicator, wave
