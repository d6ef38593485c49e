-- Site effects pooled by stage: one headline estimator per analysis, named, the others beside it, never averaged.
-- Fewer than three sites say nothing of a population of sites: there the mean of these sites is the headline.
{% set estimators = ['equal_mean', 'eligible_weighted_mean', 'reml_hksj_truncated', 'reml_hksj', 'reml_wald'] -%}
with pools as (
    select
        p.*,
        r.tau2,
        len(p.y) as site_count,
        list_transform(p.v, lambda x: 1 / x) as w,
        list_sum(w) as s1,
        list_dot_product(w, w) as s2,
        list_dot_product(w, p.y) / s1 as fixed_mean,
        list_sum(list_transform(list_zip(w, p.y), lambda x: x[1] * (x[2] - fixed_mean) ** 2)) as q,
        (site_count - 1) * s1 / nullif(s1 ** 2 - s2, 0) as typical_v
    from {{ ref('int_pools') }} as p
    left join {{ ref('int_reml') }} as r on p.pool_id = r.pool_id
),

spine as (
    select
        p.*,
        unnest({{ estimators }}) as estimator
    from pools as p
),

means as ({{ pooled_means('pools') }})

select
    s.analysis,
    s.indicator,
    s.wave,
    s.stage,
    s.dimension,
    s.level,
    s.measure,
    s.estimator,
    case when s.estimator = 'eligible_weighted_mean' then 'person_weighted' else 'site_mean' end as unit,
    case when s.estimator like 'reml%' then 'population_of_sites' else 'these_sites' end as inference,
    s.measure = i.effect_scale and a.role <> 'cross_check' and s.estimator = case
        when a.unit = 'person_weighted' then 'eligible_weighted_mean'
        when a.inference = 'these_sites' or s.site_count < 3 then 'equal_mean'
        else 'reml_hksj_truncated'
    end as is_headline,
    s.site_count,
    m.estimate,
    m.estimate_se,
    m.df,
    m.estimate - t_quantile(0.975, m.df) * m.estimate_se as estimate_low,
    m.estimate + t_quantile(0.975, m.df) * m.estimate_se as estimate_high,
    case when m.inference = 'population_of_sites' then s.tau2 end as tau2,
    s.q,
    greatest(0, (s.q - (s.site_count - 1)) / nullif(s.q, 0)) * 100 as i2_q_pct,
    s.tau2 / (s.tau2 + s.typical_v) * 100 as i2_tau2_pct,
    {%- for bound, sign in [('low', '-'), ('high', '+')] %}
        case
            when s.site_count >= 3 and m.inference = 'population_of_sites'
                then m.estimate {{ sign }} t_quantile(0.975, s.site_count - 2) * sqrt(s.tau2 + m.estimate_se ** 2)
        end as prediction_hts_{{ bound }},
    {%- endfor %}
    m.largest_weight_pct,
    s.withheld_sites,
    case
        when m.inference = 'population_of_sites' and s.site_count >= 10 and list_median(s.df) < 8
            then 'slightly narrow (held the truth 94 times in 100 in simulation): weights rest on few clusters'
    end as interval_note,
    case
        when s.is_interim then 'a wave of the analysis is not closed at every site'
        when not s.has_comparable then 'no site measures this indicator comparably'
        when s.site_count = 0 then 'no site has an effect with a standard error'
        when m.estimate is null and s.estimator like 'reml%' then 'fewer than three sites: only these sites are claimed'
        when m.estimate is null then 'a site''s eligible people are not registered'
        when m.inference = 'these_sites' and m.df < 4 then 'too_few_clusters: fewer than four degrees of freedom'
    end as why_missing
from spine as s
inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
left join means as m on s.pool_id = m.pool_id and s.estimator = m.estimator
order by s.pool_id, s.estimator
