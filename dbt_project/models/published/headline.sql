-- Read from the published effects, so that what is hidden there is hidden here. With a pilot, both sides are those that
-- were compared, by one estimator; without, the effect is that of the network.
with cautions as (
    select
        analysis,
        indicator,
        wave,
        measure,
        estimator,
        design_group,
        string_agg(stage || ': ' || interval_note, '; ' order by stage) as interval_notes
    from {{ ref('pooled_effects') }}
    where dimension = 'all' and stage in ('pilot', 'scaled')
    group by analysis, indicator, wave, measure, estimator, design_group
)

select
    questions.analysis,
    questions.indicator,
    questions.wave,
    questions.title as analysis_title,
    questions.indicator_title,
    questions.indicator_unit as unit,
    {{ effect_unit('questions.effect_scale', 'questions.indicator_unit') }} as effect_unit,
    questions.direction,
    questions.effect_scale as measure,
    questions.effect_scope,
    coalesce(network.estimate, retention.scaled_estimate) as effect,
    coalesce(network.estimate_se, retention.scaled_se) as effect_se,
    coalesce(network.df, retention.scaled_df) as effect_df,
    coalesce(network.estimate_low, retention.scaled_low) as effect_low,
    coalesce(network.estimate_high, retention.scaled_high) as effect_high,
    coalesce(network.n_treatment + network.n_control, retention.scaled_n_treatment + retention.scaled_n_control)
        as effect_n,
    coalesce(network.site_count, retention.scaled_site_count, questions.included_count) as effect_site_count,
    coalesce(network.estimator, retention.estimator) as effect_estimator,
    {%- for side in ['pilot', 'scaled'] %}
        retention.{{ side }}_estimate as {{ side }}_effect,
        retention.{{ side }}_se,
        retention.{{ side }}_df,
        retention.{{ side }}_low,
        retention.{{ side }}_high,
        retention.{{ side }}_n_treatment + retention.{{ side }}_n_control as {{ side }}_n,
        retention.{{ side }}_site_count,
    {%- endfor %}
    retention.retention,
    retention.retention_low,
    retention.retention_high,
    retention.retention_set,
    retention.share_of_draws_kept_pct,
    retention.pilot_corrected_estimate as pilot_corrected_effect,
    retention.pilot_corrected_low,
    retention.pilot_corrected_high,
    retention.retention_corrected,
    retention.retention_corrected_low,
    retention.retention_corrected_high,
    questions.retention_margin as margin,
    questions.smallest_effect,
    retention.change,
    retention.change_low,
    retention.change_high,
    coalesce(retention.verdict, case when questions.is_interim then 'interim' else 'not_applicable' end) as verdict,
    retention.verdict_corrected,
    retention.change_verdict,
    retention.portability,
    retention.caution,
    case
        when questions.is_interim then 'not told yet: a wave of this analysis is still open'
        when questions.effect_scope = 'network' then 'no pilot to compare with: the effect over all sites is given'
        else coalesce(retention.verdict_words, 'no effect could be compared')
    end as verdict_words,
    nullif(
        concat_ws(
            '; ', retention.note, cautions.interval_notes,
            {%- for side in ['pilot', 'scaled'] %}
                case
                    when retention.{{ side }}_basis <> 'rows' then '{{ side }} rests on ' || retention.{{ side }}_basis
                end{{ ',' if not loop.last }}
            {%- endfor %}
        ), ''
    ) as note,
    coalesce(network.estimand, retention.estimand) as estimand,
    questions.unit as weighting,
    questions.inference,
    coalesce(retention.comparability_class, {{ comparability_class('questions') }}) as comparability_class,
    questions.quality_verdict,
    questions.withheld_count as withheld_site_count,
    questions.withheld_sites,
    questions.is_interim,
    questions.is_interim_look,
    questions.look_date,
    coalesce(network.is_suppressed, retention.is_suppressed, false) as is_suppressed,
    coalesce(
        network.why_missing,
        retention.why_missing,
        case when coalesce(network.estimate, retention.scaled_estimate) is null then 'no effect was estimated' end
    ) as why_missing,
    ((questions.analysis_order * 1000 + questions.indicator_order) * 1000 + questions.wave_order)::integer
        as headline_order
from {{ ref('int_headline_questions') }} as questions
left join {{ ref('int_network_effects') }} as network
    on
        questions.analysis = network.analysis
        and questions.indicator = network.indicator
        and questions.wave = network.wave
        and questions.effect_scale = network.measure
        and questions.effect_scope = 'network'
left join {{ ref('effect_retention') }} as retention
    on
        questions.analysis = retention.analysis
        and questions.indicator = retention.indicator
        and questions.wave = retention.wave
        and questions.effect_scope = 'retention'
left join cautions
    on
        retention.analysis = cautions.analysis
        and retention.indicator = cautions.indicator
        and retention.wave = cautions.wave
        and retention.measure = cautions.measure
        and retention.estimator = cautions.estimator
        and retention.design_group = cautions.design_group
