with verdicts as (
    select
        site,
        wave,
        indicator,
        verdict
    from {{ source('quality', 'admission') }}
    union all
    select
        'network' as site,
        wave,
        indicator,
        {{ worst_verdict('verdict') }} as verdict
    from {{ source('quality', 'admission') }}
    where is_admitted
    group by wave, indicator
),

-- Of the network as one trial any mean would tell what one site hides.
hidden as (
    select
        cells.analysis,
        cells.indicator,
        cells.wave,
        cells.site,
        cells.dimension,
        cells.level,
        bool_or(cells.is_hidden and cells.arm = coalesce(analyses.treatment_arm, 'treatment')) as is_treatment_hidden,
        bool_or(cells.is_hidden and cells.arm = coalesce(analyses.control_arm, 'control')) as is_control_hidden,
        bool_or(cells.is_effect_hidden) as is_effect_hidden,
        bool_or(cells.is_value_hidden) as is_value_hidden
    from {{ ref('int_hidden_cells') }} as cells
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    group by all
    union all by name
    select
        pools.analysis,
        pools.indicator,
        pools.wave,
        'network' as site,
        pools.dimension,
        pools.level,
        pools.is_hidden as is_treatment_hidden,
        pools.is_hidden as is_control_hidden,
        pools.is_hidden as is_effect_hidden,
        bool_or(cells.is_value_hidden) as is_value_hidden
    from {{ ref('int_hidden_pools') }} as pools
    inner join {{ ref('int_hidden_cells') }} as cells using (analysis, indicator, wave, dimension, level)
    where pools.design_group = 'network' and pools.stage = 'all'
    group by all
),

protected as (
    select
        effects.* exclude (why_missing),
        {{ plain_reason('effects.why_missing') }} as why_missing,
        analyses.is_randomised,
        verdicts.verdict as quality_verdict,
        {{ effect_unit('effects.measure', 'indicators.unit') }} as effect_unit,
        {{ suppress_count('effects.n_treatment', 'hidden.is_treatment_hidden') }} as published_n_treatment,
        {{ suppress_count('effects.n_control', 'hidden.is_control_hidden') }} as published_n_control,
        {{ suppress_count('effects.n', 'hidden.is_effect_hidden') }} as published_n,
        coalesce(hidden.is_value_hidden, false) or (
            indicators.statistic = 'share' and (
                {{ is_small_share('effects.mean_treatment * effects.n_treatment / 100', 'effects.n_treatment') }}
                or {{ is_small_share('effects.mean_control * effects.n_control / 100', 'effects.n_control') }}
            )
        ) as is_share_suppressed,
        {{ is_small('effects.n_treatment') }} or {{ is_small('effects.n_control') }} or {{ is_small('effects.n') }}
        or coalesce(hidden.is_effect_hidden, false) as is_small_arm,
        effects.measure = 'quantile_difference' and {{
            is_small_tail('indicators.quantile', 'least(effects.n_treatment, effects.n_control)')
        }} as is_small_beyond,
        -- hidden shares could be solved for from two measures of one contrast: then only its own scale is told
        is_small_arm or is_small_beyond or (
            is_share_suppressed and not (effects.is_own and effects.measure = indicators.effect_scale)
        ) as is_suppressed,
        {{ is_small_share('effects.take_up_treatment_pct * effects.n_treatment / 100', 'effects.n_treatment') }}
        or {{ is_small_share('effects.take_up_control_pct * effects.n_control / 100', 'effects.n_control') }}
            as is_take_up_suppressed,
        {{ suppressed_words('people in an arm') }} as suppressed_words
    from {{ ref('int_site_effects') }} as effects
    left join hidden using (analysis, indicator, wave, site, dimension, level)
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    left join verdicts using (site, wave, indicator)
    where effects.measure <> 'interaction'
)

select
    analysis,
    indicator,
    wave,
    site,
    dimension,
    level,
    measure,
    estimator,
    is_own,
    is_headline,
    stage,
    effect_unit,
    {{ unless_suppressed('estimate') }} as estimate,
    {{ unless_suppressed('estimate_se') }} as estimate_se,
    {{ unless_suppressed('df') }} as df,
    {{ unless_suppressed('estimate_low') }} as estimate_low,
    {{ unless_suppressed('estimate_high') }} as estimate_high,
    {{ unless_suppressed('p_value') }} as p_value,
    {{ unless_suppressed('p_holm') }} as p_holm,
    {{ unless_suppressed('p_bh') }} as p_bh,
    {%- for name, bound in {'ratio': 'estimate', 'ratio_low': 'estimate_low', 'ratio_high': 'estimate_high'}.items() %}
        -- beyond e^700 a ratio is no number any more
        case when not is_suppressed and measure like 'log_%' and abs({{ bound }}) < 700 then exp({{ bound }}) end
            as {{ name }},
    {%- endfor %}
    case when not is_suppressed and not is_share_suppressed then mean_treatment end as mean_treatment,
    case when not is_suppressed and not is_share_suppressed then mean_control end as mean_control,
    case when not is_suppressed and not is_share_suppressed then sd_control end as sd_control,
    case when not is_suppressed and not is_share_suppressed then sd_pooled end as sd_pooled,
    sd_basis,
    case when not is_suppressed and not is_take_up_suppressed then take_up_treatment_pct end as take_up_treatment_pct,
    case when not is_suppressed and not is_take_up_suppressed then take_up_control_pct end as take_up_control_pct,
    published_n_treatment as n_treatment,
    published_n_control as n_control,
    clusters_treatment,
    clusters_control,
    -- two rounded arms and their rounded sum could be solved for the arms; where the arms are told, the sum is not
    case when published_n_treatment is null and published_n_control is null then published_n end as n,
    basis,
    citation,
    adjustment_note,
    state,
    case
        when estimator like 'wald_tot%' then 'effect on those who took the treatment up'
        when estimator like 'wald_cace%' then 'effect on those whom assignment moved to take the treatment up'
        else {{ contrast_words('is_randomised') }}
    end
    || case when site = 'network' then ', in the network as one trial' else ', at this site' end as estimand,
    {{ comparability_class('protected', stage='stage', site='site') }} as comparability_class,
    quality_verdict,
    is_suppressed,
    case
        when is_small_arm then suppressed_words
        when is_small_beyond then 'suppressed: few people lie beyond this quantile'
        when is_suppressed then 'suppressed: beside the effect it would give a small count away'
        else why_missing
    end as why_missing
from protected
