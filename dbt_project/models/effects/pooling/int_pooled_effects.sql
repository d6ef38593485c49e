-- Site effects pooled by stage and overall: one headline estimator per analysis, named, the others beside it, never
-- averaged. Fewer than three sites say nothing of a population of sites: there the mean of these sites is the headline.
{% set estimators = [
    'equal_mean', 'eligible_weighted_mean', 'fixed_wald',
    'dl_wald', 'dl_hksj', 'dl_hksj_truncated', 'pm_wald', 'pm_hksj', 'pm_hksj_truncated',
    'reml_wald', 'reml_hksj', 'reml_hksj_truncated',
] -%}
with spine as (
    select
        *,
        len(y) as site_count,
        unnest({{ estimators }}) as estimator,
        case estimator
            when 'equal_mean' then 'site_mean' when 'eligible_weighted_mean' then 'person_weighted'
            when 'fixed_wald' then 'precision_weighted' else 'site_mean'
        end as unit,
        estimator not in ('equal_mean', 'eligible_weighted_mean', 'fixed_wald') as is_population
    from {{ ref('int_pools') }}
)

select
    s.analysis,
    s.indicator,
    s.wave,
    s.stage,
    s.design_group,
    s.dimension,
    s.level,
    s.measure,
    s.estimator,
    s.unit,
    case when s.is_population then 'population_of_sites' else 'these_sites' end as inference,
    case when s.is_population then 'sites like ' else '' end || 'these ' || s.site_count::varchar
    || case when s.stage in ('all', 'unstaged') then '' else ' ' || replace(s.stage, '_', ' ') end
    || case when s.site_count = 1 then ' site' else ' sites' end as population,
    s.measure = i.effect_scale and s.is_headline_group and a.role <> 'cross_check'
    and s.estimator = {{ headline_estimator('a.unit', 'a.inference', 's.site_count') }} as is_headline,
    s.site_count,
    s.n_treatment,
    s.n_control,
    s.basis,
    s.quality_verdict,
    {%- for name in [
        'estimate', 'estimate_se', 'df', 'estimate_low', 'estimate_high', 'test_statistic', 'p_value', 'tau2'
    ] %}
        m.{{ name }},
    {%- endfor %}
    case when m.tau2 is not null then t.tau2_se end as tau2_se,
    h.tau2_qprofile_low,
    h.tau2_qprofile_high,
    h.q,
    h.q_df,
    h.p_q,
    h.i2_q_pct,
    h.h2_q,
    {%- for name in ['i2_tau2_pct', 'h2_tau2', 'q_scale'] %}
        m.{{ name }},
    {%- endfor %}
    h.i2_qprofile_low_pct,
    h.i2_qprofile_high_pct,
    {%- for name in ['pi_z', 'pi_hts', 'pi_knha'] %}
        m.{{ name }}_low,
        m.{{ name }}_high,
    {%- endfor %}
    n.p_next_above_zero,
    n.p_next_above_smallest,
    case when n.p_next_above_zero is not null then 'if the next site resembles these' end as next_site_note,
    m.largest_weight_pct,
    list_median(s.df) as median_site_df,
    s.withheld_sites,
    s.excluded_sites,
    case
        when m.estimate_se = 0 then 'no width: the sites'' effects are identical'
        when m.inference = 'population_of_sites' and s.site_count >= 10 and median_site_df < 8
            then 'slightly narrow (held the truth 94 times in 100 in simulation): weights rest on few clusters'
    end as interval_note,
    case
        when s.is_interim then 'a wave of the analysis is not closed at every site'
        when s.site_count = 0
            then coalesce(
                'no site can be pooled: ' || nullif(concat_ws('; ', s.withheld_sites, s.excluded_sites), ''),
                'no site has an effect with a standard error'
            )
        when s.is_population and s.site_count < 3 then 'fewer than three sites: only these sites are claimed'
        when m.estimate is null and s.is_population then 'no_convergence: the iteration for tau2 did not settle'
        when m.estimate is null then 'a site''s eligible people are not registered'
        when m.inference = 'these_sites' and m.df < 4 then 'too_few_clusters: fewer than four degrees of freedom'
    end as why_missing
from spine as s
inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
left join {{ ref('int_pool_heterogeneity') }} as h on s.pool_id = h.pool_id
left join {{ ref('int_pool_estimates') }} as m
    on s.pool_id = m.pool_id and s.estimator = m.estimator and (s.site_count >= 3 or not s.is_population)
left join {{ ref('int_pool_tau2') }} as t on m.pool_id = t.pool_id and m.weighting = t.method
left join {{ ref('int_pool_next_site') }} as n on m.pool_id = n.pool_id and m.weighting = 'reml'
order by s.pool_id, s.estimator
