-- Which sites' baselines are looked at together: each alone, those of a stage, and all. Drawn by clusters where every
-- cluster lies in one arm, else by units.
with lots as (
    select
        analysis,
        site as member,
        count(cluster_id) = count(*)
        and count(distinct cluster_id) = count(distinct cluster_id || case when is_treated then ' 1' else ' 0' end)
            as is_drawn_by_cluster
    from {{ ref('int_baseline_cells') }}
    where covariate = '*'
    group by analysis, site
),

placed as (
    select
        l.analysis,
        l.member,
        l.is_drawn_by_cluster,
        a.is_randomised and r.design in ('rct', 'cluster_rct') as is_randomised,
        any_value(s.stage) as stage,
        any_value(s.pool) as pool,
        count(distinct any_value(s.pool)) over (partition by l.analysis) as pool_count
    from lots as l
    inner join {{ ref('int_analysis_sites') }} as s on l.analysis = s.analysis and l.member = s.site
    inner join {{ source('registry', 'analyses') }} as a on l.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on l.member = r.site
    group by l.analysis, l.member, l.is_drawn_by_cluster, a.is_randomised, r.design
),

groups as (
    select
        *,
        unnest([
            { 'site': member, 'stage': stage, 'is_told': true },
            { 'site': 'network', 'stage': pool, 'is_told': true },
            { 'site': 'network', 'stage': 'all', 'is_told': pool_count > 1 }
        ]) as taken
    from placed
)

select
    analysis,
    member,
    is_drawn_by_cluster,
    is_randomised,
    taken['site'] as site,
    taken['stage'] as stage,
    dense_rank() over (order by analysis, taken['site'], taken['stage']) as group_id
from groups
where taken['is_told']
order by group_id, member
