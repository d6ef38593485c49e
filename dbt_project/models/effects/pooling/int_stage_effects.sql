-- Every estimate that stands for a whole stage: its sites pooled, or at level network all its sites as one trial.
{%- set key = 'analysis, indicator, wave, stage' %}
with included as (
    select
        analysis,
        indicator,
        wave,
        pool as stage,
        count(*) as site_count
    from {{ ref('int_analysis_sites') }}
    where state = 'included'
    group by analysis, indicator, wave, pool
)

select
    {{ key }},
    design_group,
    measure,
    estimator,
    site_count,
    n_treatment,
    n_control,
    basis,
    estimate,
    estimate_se,
    df,
    median_site_df,
    pi_hts_low,
    pi_hts_high,
    p_next_above_smallest
from {{ ref('int_pooled_effects') }}
where dimension = 'all'
union all
select
    {{ key }},
    'randomised' as design_group,
    e.measure,
    'network' as estimator,
    i.site_count,
    e.n_treatment,
    e.n_control,
    e.basis,
    e.estimate,
    e.estimate_se,
    e.df,
    null as median_site_df,
    null as pi_hts_low,
    null as pi_hts_high,
    null as p_next_above_smallest
from {{ ref('int_site_effects') }} as e
inner join included as i using ({{ key }})
where e.site = 'network' and e.dimension = 'all' and e.is_own
