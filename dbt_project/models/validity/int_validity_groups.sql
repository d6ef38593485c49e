-- Which sites are taken together to judge a comparison: each alone, those of a stage, and all of them. Only arms that
-- were assigned by lot have an attrition to speak of, and only sites that share rows can count it.
with lots as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.site as member,
        s.stage,
        s.pool,
        count(distinct s.pool) over (partition by s.analysis, s.indicator, s.wave) as pool_count
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on s.site = r.site
    where s.state = 'included' and s.basis = 'rows' and a.is_randomised and r.design in ('rct', 'cluster_rct')
),

groups as (
    select
        *,
        unnest([
            { 'site': member, 'stage': stage, 'is_told': true },
            { 'site': 'network', 'stage': pool, 'is_told': true },
            { 'site': 'network', 'stage': 'all', 'is_told': pool_count > 1 }
        ]) as taken
    from lots
)

select
    analysis,
    indicator,
    wave,
    member,
    taken['site'] as site,
    taken['stage'] as stage,
    dense_rank() over (order by analysis, indicator, wave, taken['site'], taken['stage']) as group_id
from groups
where taken['is_told']
order by group_id, member
