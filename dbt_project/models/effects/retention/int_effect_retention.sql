-- Did the effect hold at scale: one row per question, with the verdict in words beside its numbers.
-- Holm's procedure runs over an analysis' primary indicators and waves (a baseline wave asks nothing): a claim that
-- does not survive it is inconclusive. The rest is exploratory. The corrected verdict has a family of its own.
{%- set variants = ['', '_corrected'] %}
{%- set corrected_words = verdict_words('verdict_corrected', 'margin', 'change_verdict_corrected') %}
with ranked as (
    select
        c.* exclude (change_z, contrast_z),
        r.* exclude (analysis, indicator, wave),
        s.* exclude (analysis, indicator, wave),
        e.* exclude (analysis, indicator, wave),
        b.barred,
        b.bar,
        b.is_tested,
        w.verdict_if_restored,
        coalesce(w.could_change, false) and b.barred is null as is_withheld_decisive,
        {{ claim_family() }},
        {{ claim_family('_corrected') }}
    from {{ ref('int_retention_claims') }} as c
    inner join {{ ref('int_retention_bars') }} as b using (analysis, indicator, wave)
    left join {{ ref('int_retention_ratios') }} as r using (analysis, indicator, wave)
    left join {{ ref('int_pilot_selection') }} as s using (analysis, indicator, wave)
    left join {{ ref('int_pilot_shrinkage') }} as e using (analysis, indicator, wave)
    left join {{ ref('int_withheld_verdicts') }} as w using (analysis, indicator, wave)
),

adjusted as (
    select
        *,
        {%- for variant in variants %}
            case when is_tested then {{ holm('p_tested' ~ variant, 'family' ~ variant) }} end as p_holm{{ variant }},
        {%- endfor %}
        {{ verdict() }} as verdict_of_admitted,
        -- what withheld sites could turn is not known
        if(is_withheld_decisive, 'inconclusive', verdict_of_admitted) as verdict,
        case
            when claim_corrected is not null and is_withheld_decisive then 'inconclusive'
            when claim_corrected is not null then {{ verdict('_corrected') }}
        end as verdict_corrected,
        {{ portability() }} as portability
    from ranked
)

select
    analysis,
    indicator,
    wave,
    measure,
    estimator,
    design_group,
    {%- for side in ['pilot', 'scaled'] %}
        {{ side }}_estimate,
        {{ side }}_se,
        {{ side }}_df,
        {{ side }}_estimate - t_quantile(0.975, {{ side }}_df) * {{ side }}_se as {{ side }}_low,
        {{ side }}_estimate + t_quantile(0.975, {{ side }}_df) * {{ side }}_se as {{ side }}_high,
        {{ side }}_site_count,
        {{ side }}_n_treatment,
        {{ side }}_n_control,
        {{ side }}_basis,
    {%- endfor %}
    coalesce(retention_set, 'not_applicable') as retention_set,
    coalesce(retention_set_normal, 'not_applicable') as retention_set_normal,
    {%- for name in retention_numbers() %}
        {{ name }},
    {%- endfor %}
    change_verdict,
    margin,
    selection_state,
    retention_corrected_set,
    change_verdict_corrected,
    retention_eb_set,
    why_not_eb,
    portability,
    case when portability <> 'not_told' then scaled_p_next_above_smallest end as p_next_site_above_smallest,
    look,
    alpha,
    look is not null as is_interim_look,
    {%- for variant in variants %}
        case when barred is null then p_claim{{ variant }} end as p_claim{{ variant }},
        case when barred is null then p_holm{{ variant }} end as p_claim_holm{{ variant }},
        verdict{{ variant }},
    {%- endfor %}
    verdict_if_restored,
    {{ verdict_words('verdict', 'margin', 'change_verdict', 'portability') }} as verdict_words,
    {{ verdict_caution() }} as caution,
    nullif(concat_ws(
        '; ', bar,
        case
            when is_withheld_decisive then 'withheld sites could change it: without them it is ' || verdict_of_admitted
        end,
        case
            when barred is null and verdict_of_admitted <> claim
                then claim || ' does not survive the other primary indicators'
        end,
        case when barred is null and look is not null then 'a planned look before the waves are closed' end,
        case
            when barred is not null or a.pilot_selection = 'none' then null
            else 'the pilot was selected for its result: its effect is likely overstated'
        end,
        case
            when barred is not null then null
            when selection_state = 'corrected' then 'corrected for that rule: ' || {{ corrected_words }}
            else why_not_corrected
        end
    ), '') as why
from adjusted
inner join {{ source('registry', 'analyses') }} as a using (analysis)
order by analysis, indicator, wave
