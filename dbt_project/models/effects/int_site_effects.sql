-- Treatment minus control at every site an analysis names, or for the network as one trial, with the reason where
-- there is none. A number is never without its standard error's state. Each measure has one row that is the
-- comparison's own; several contrasts of one analysis have p-values adjusted for each other.
with ranks (state, rank) as (
    values
    ('included', 1), ('interim', 2), ('withheld', 3), ('not_comparable', 4), ('not_identified', 5), ('no_data', 6)
),

targets as (
    select
        s.analysis,
        s.wave,
        s.indicator,
        case when a.level = 'network' then 'network' else s.site end as site,
        case when a.level = 'network' then s.pool else s.stage end as stage,
        first(s.state order by r.rank, s.site) as state,
        case when count(distinct s.basis) = 1 then min(s.basis) else 'rows and moments' end as basis,
        first(s.reason order by r.rank, s.site) as reason
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join ranks as r on s.state = r.state
    group by all
),

branches as (
    {%- for branch in [
        'int_fit_effects', 'int_adjusted_effects', 'int_ratio_effects', 'int_take_up_effects', 'int_quantile_effects'
    ] %}
        select * from {{ ref(branch) }}
        {% if not loop.last %}union all by name{% endif %}
    {%- endfor %}
),

effects as (
    select
        f.* exclude (adjustment_note),
        e.* exclude (fit_id, adjustment_note),
        coalesce(e.adjustment_note, f.adjustment_note) as adjustment_note
    from {{ ref('int_fits') }} as f
    left join branches as e on f.fit_id = e.fit_id
    union all by name
    select * from {{ ref('int_estimate_effects') }}
    union all by name
    select * from {{ ref('int_interaction_effects') }}
),

judged as (
    select
        t.*,
        e.* exclude (analysis, wave, indicator, site, stage, is_own),
        coalesce(e.is_own, true) as is_own,
        e.estimate is not null and e.estimate_se is not null as has_error,
        2 * t_cdf(-abs(e.estimate / e.estimate_se), e.df) as p_value,
        i.effect_scale,
        a.role,
        coalesce(a.family, a.analysis) as family,
        case
            when t.state <> 'included' then t.state
            when e.estimate is null and e.why_no_error is not null then 'not_estimable'
            when e.estimate is null then 'no_data'
            when e.is_weak_take_up then 'weak_take_up'
            when not has_error then 'no_standard_error'
            when e.df < 4 then 'too_few_clusters'
            else 'estimated'
        end as effect_state
    from targets as t
    inner join {{ source('registry', 'indicators') }} as i on t.indicator = i.indicator
    inner join {{ source('registry', 'analyses') }} as a on t.analysis = a.analysis
    left join effects as e
        on
            t.state = 'included' and t.analysis = e.analysis and t.wave = e.wave and t.indicator = e.indicator
            and t.site = e.site and t.stage = e.stage
)

select
    analysis,
    indicator,
    wave,
    site,
    stage,
    coalesce(dimension, 'all') as dimension,
    coalesce(level, 'all') as level,
    coalesce(measure, effect_scale) as measure,
    coalesce(estimator, 'none') as estimator,
    is_own,
    is_own and coalesce(measure, effect_scale) = effect_scale and role <> 'cross_check' as is_headline,
    estimate,
    estimate_se,
    case when has_error then df end as df,
    estimate - t_quantile(0.975, df) * estimate_se as estimate_low,
    estimate + t_quantile(0.975, df) * estimate_se as estimate_high,
    p_value,
    {%- for name, macro in {'p_holm': holm, 'p_bh': benjamini_hochberg}.items() %}
        case when len(contrasts) > 1 then {{ macro('p_value', 'contrasts') }} end as {{ name }},
    {%- endfor %}
    {%- for arm in ['treatment', 'control'] %}
        (origin::double + centred_mean_{{ arm }}) * step as mean_{{ arm }},
    {%- endfor %}
    sqrt(variance_control) * step as sd_control,
    sqrt(variance_pooled) * step as sd_pooled,
    sd_basis,
    n_treatment,
    n_control,
    take_up_treatment_pct,
    take_up_control_pct,
    clusters_1 as clusters_treatment,
    clusters_0 as clusters_control,
    adjustment_note,
    basis,
    coalesce(n, n_treatment + n_control) as n,
    citation,
    effect_state as state,
    case
        when state <> 'included' then reason
        when basis = 'estimates' and estimate is null then 'no published effect of this contrast was sent'
        when why_no_error is not null then why_no_error
        when n_treatment is null and basis <> 'estimates' then 'no unit of the contrast was measured'
        when least(n_treatment, n_control) = 0 then 'one arm has no measured unit'
        when estimate is null then 'no block holds both arms'
        when not has_error and basis = 'moments' and is_clustered
            then 'a cluster trial sent no moments of at least two clusters an arm, and no cluster-robust standard error'
        when least(clusters_1, clusters_0) < 2 then 'fewer than two clusters in an arm: no standard error'
        when not has_error then 'no standard error: no variation, or clusters that reach across blocks'
        when df < 4 then 'fewer than four degrees of freedom: no verdict may rest on it alone'
    end as why_missing
from (
    select
        *,
        list(p_value) filter (where is_own and p_value is not null) over (
            partition by family, indicator, wave, site, stage, dimension, level, measure
        ) as contrasts
    from judged
) as effects_in_families
order by all
