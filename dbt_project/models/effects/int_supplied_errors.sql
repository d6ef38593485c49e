-- Cluster-robust standard errors that sites sent beside moments without clusters: one row per comparison that has one.
-- Where clusters were sent, the comparison's own CR2 stands, and what was sent beside it is not used.
with sent as (
    select
        site,
        wave,
        indicator,
        dimension,
        level,
        max(effect_se) as effect_se,
        max(effect_df) as effect_df
    from {{ ref('stg_moments') }}
    where problem is null
    group by site, wave, indicator, dimension, level
    having count(cluster_id) = 0
)

select
    f.fit_id,
    s.effect_se,
    s.effect_df
from {{ ref('int_fits') }} as f
inner join {{ ref('int_analysis_sites') }} as a
    on f.analysis = a.analysis and f.wave = a.wave and f.indicator = a.indicator and f.site = a.site
inner join sent as s
    on
        f.site = s.site and f.wave = s.wave and f.indicator = s.indicator
        and f.dimension = s.dimension and f.level = s.level
where a.basis = 'moments' and f.is_clustered and s.effect_se is not null
