-- Pools of which one site is too small to be shown: whatever would give its effect away by subtraction (answers without
-- a site, answers as sites came in, weights, slopes) is hidden for all of the pool.
{{ config(materialized='ephemeral') }}
select
    pools.pool_id,
    {{ comparability_class('pools', stage='stage') }} as comparability_class,
    coalesce(bool_or(sites.is_suppressed), false) as is_suppressed
from (
    select
        *,
        unnest(sites) as site
    from {{ ref('int_pools') }}
    where dimension = 'all'
) as pools
left join {{ ref('site_effects') }} as sites
    on
        pools.analysis = sites.analysis and pools.indicator = sites.indicator and pools.wave = sites.wave
        and pools.site = sites.site and pools.measure = sites.measure and sites.dimension = 'all'
group by pools.pool_id, pools.analysis, pools.indicator, pools.wave, pools.stage
