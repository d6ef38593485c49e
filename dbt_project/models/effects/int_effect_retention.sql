-- Did the effect hold at scale: one row per question, with the verdict in words beside its numbers.
-- Holm's procedure runs over an analysis' primary indicators and waves (a baseline wave asks nothing): a claim that
-- does not survive it is inconclusive. Indicators that claim nothing count with p = 1. The rest is exploratory.
with gated as (
    select
        c.*,
        i.role = 'primary' and not w.is_baseline as is_tested,
        a.pilot_selection = 'significant_at_5pct' as is_selected,
        case
            when w.is_baseline then 'not_applicable'
            when least(c.pilot_registered, c.scaled_registered) = 0 then 'not_applicable'
            when c.is_interim then 'interim'
            when least(c.pilot_measured, c.scaled_measured) = 0 then 'not_comparable'
            when c.pilot_unidentified = c.pilot_measured or c.scaled_unidentified = c.scaled_measured
                then 'not_identified'
            when c.contrast_se is null and c.estimator = 'eligible_weighted_mean' then 'not_comparable'
            when c.contrast_se is null or c.has_too_few then 'inconclusive'
        end as barred,
        case
            when w.is_baseline then 'a difference at baseline is imbalance, not an effect'
            when c.pilot_registered = 0 then 'no pilot site'
            when c.scaled_registered = 0 then 'no scaled site'
            when barred = 'interim' then 'a wave of the analysis is not closed at every site'
            when barred = 'not_comparable' and least(c.pilot_measured, c.scaled_measured) = 0
                then 'one of the two stages does not measure this indicator'
            when barred = 'not_comparable' then 'a side''s sites cannot all be weighted by their eligible people'
            when barred = 'not_identified' then 'one of the two stages has no randomised comparison'
            when c.contrast_se is null then 'one of the two stages has no effect with a standard error'
            when c.has_too_few then 'too_few_clusters: fewer than four degrees of freedom on a side'
        end as bar,
        if(barred is null, c.p_claim, 1) as p_tested
    from {{ ref('int_retention_claims') }} as c
    inner join {{ source('registry', 'analyses') }} as a on c.analysis = a.analysis
    inner join {{ source('registry', 'indicators') }} as i on c.indicator = i.indicator
    inner join {{ source('registry', 'waves') }} as w on c.wave = w.wave
),

ranked as (
    select
        *,
        row_number() over (partition by analysis, is_tested order by p_tested, indicator, wave) as place,
        count(*) over (partition by analysis, is_tested) as family_size
    from gated
),

adjusted as (
    select
        *,
        case when is_tested then least(1, max((family_size - place + 1) * p_tested) over (
            partition by analysis, is_tested order by place
        )) end as p_claim_holm,
        coalesce(
            barred, case when coalesce(p_claim_holm, p_claim) > 0.05 and p_claim < 1 then 'inconclusive' else claim end
        ) as verdict
    from ranked
)

select
    analysis, indicator, wave, measure, estimator
    {%- for side in ['pilot', 'scaled'] %},
    {{ side }}_estimate, {{ side }}_se, {{ side }}_df, {{ side }}_site_count,
    {{ side }}_estimate - t_quantile(0.975, {{ side }}_df) * {{ side }}_se as {{ side }}_low,
    {{ side }}_estimate + t_quantile(0.975, {{ side }}_df) * {{ side }}_se as {{ side }}_high
    {%- endfor %},
    retention, retention_set, retention_low, retention_high, retention_df,
    retention_set_normal, retention_low_normal, retention_high_normal,
    change, change_se, change_df, change_low, change_high, change_verdict,
    margin, contrast, contrast_se, contrast_df,
    case when barred is null then p_claim end as p_claim,
    case when barred is null then p_claim_holm end as p_claim_holm,
    verdict,
    {{ verdict_words('verdict', 'margin', 'change_verdict') }} as verdict_words,
    nullif(concat_ws(
        '; ', bar,
        case when barred is null and verdict <> claim then claim || ' does not survive the other primary indicators' end,
        case when barred is null and is_selected
            then 'the pilot was selected for its significance: its effect is likely overstated'
        end
    ), '') as why
from adjusted
order by analysis, indicator, wave
