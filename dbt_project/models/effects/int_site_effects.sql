-- Treatment minus control at every site an analysis names, or for the network as one trial, with the reason where
-- there is none. A number is never without its standard error's state.
with ranks (state, rank) as (
    values ('included', 1), ('interim', 2), ('withheld', 3), ('not_comparable', 4), ('not_identified', 5),
    ('no_data', 6)
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

effects as (
    select
        f.*,
        e.* exclude (fit_id),
        e.estimate is not null and e.estimate_se is not null as has_error
    from {{ ref('int_fits') }} as f
    left join {{ ref('int_fit_effects') }} as e on f.fit_id = e.fit_id
    union all by name
    select
        *,
        estimate is not null and estimate_se is not null as has_error
    from {{ ref('int_estimate_effects') }}
)

select
    t.analysis,
    t.indicator,
    t.wave,
    t.site,
    t.stage,
    coalesce(e.dimension, 'all') as dimension,
    coalesce(e.level, 'all') as level,
    coalesce(e.measure, i.effect_scale) as measure,
    coalesce(e.estimator, 'none') as estimator,
    coalesce(e.is_own, true) as is_own,
    coalesce(e.is_own and e.measure = i.effect_scale, true) and a.role <> 'cross_check' as is_headline,
    e.estimate,
    e.estimate_se,
    case when e.has_error then e.df end as df,
    e.estimate - t_quantile(0.975, e.df) * e.estimate_se as estimate_low,
    e.estimate + t_quantile(0.975, e.df) * e.estimate_se as estimate_high,
    2 * t_cdf(-abs(e.estimate / e.estimate_se), e.df) as p_value,
    {%- for arm in ['treatment', 'control'] %}
        (e.origin::double + e.centred_mean_{{ arm }}) * e.step as mean_{{ arm }},
    {%- endfor %}
    sqrt(e.variance_control) * e.step as sd_control,
    sqrt(e.variance_pooled) * e.step as sd_pooled,
    e.n_treatment,
    e.n_control,
    e.clusters_1 as clusters_treatment,
    e.clusters_0 as clusters_control,
    t.basis,
    coalesce(e.n, e.n_treatment + e.n_control) as n,
    e.citation,
    case
        when t.state <> 'included' then t.state
        when e.estimate is null then 'no_data'
        when not e.has_error then 'no_standard_error'
        when e.df < 4 then 'too_few_clusters'
        else 'estimated'
    end as state,
    case
        when t.state <> 'included' then t.reason
        when t.basis = 'estimates' and e.estimate is null then 'no published effect of this contrast was sent'
        when e.why_no_error is not null then e.why_no_error
        when e.n_treatment is null and t.basis <> 'estimates' then 'no unit of the contrast was measured'
        when least(e.n_treatment, e.n_control) = 0 then 'one arm has no measured unit'
        when e.estimate is null then 'no block holds both arms'
        when not e.has_error and t.basis = 'moments' and e.is_clustered
            then 'a cluster trial sent no moments of at least two clusters an arm, and no cluster-robust standard error'
        when least(e.clusters_1, e.clusters_0) < 2 then 'fewer than two clusters in an arm: no standard error'
        when not e.has_error then 'no standard error: no variation, or clusters that reach across blocks'
        when e.df < 4 then 'fewer than four degrees of freedom: no verdict may rest on it alone'
    end as why_missing
from targets as t
inner join {{ source('registry', 'indicators') }} as i on t.indicator = i.indicator
inner join {{ source('registry', 'analyses') }} as a on t.analysis = a.analysis
left join effects as e
    on
        t.state = 'included' and t.analysis = e.analysis and t.wave = e.wave and t.indicator = e.indicator
        and t.site = e.site and t.stage = e.stage
order by all
