-- Effects of one level minus those of the dimension's first level, in the columns of site effects, so that they are
-- pooled over sites like any measure. People counted are those of the smaller level. In the indicator's unit;
-- unadjusted.
with first_levels as (
    select
        *,
        level_a = min(level_a) over (partition by analysis, indicator, wave, site, stage, dimension) as is_first
    from {{ ref('int_subgroup_differences') }}
)

select
    analysis,
    indicator,
    wave,
    site,
    stage,
    dimension,
    level_b || ' minus ' || level_a as level,
    'interaction' as measure,
    case when is_clustered then 'interaction_cr2' else 'interaction_hc2' end as estimator,
    true as is_own,
    estimate,
    estimate_se,
    case when estimate_se is not null then df end as df,
    n_treatment,
    n_control,
    least(clusters_1_a, clusters_1_b) as clusters_1,
    least(clusters_0_a, clusters_0_b) as clusters_0,
    case
        when estimate is null then 'a level has no effect: not both arms in one block'
        when estimate_se is null then 'a level has no standard error, or the levels do not vary apart'
    end as why_no_error
from first_levels
where is_first
order by all
