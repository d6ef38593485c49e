-- The people behind the effect of a pool of sites, over the very sites it was made from, and the worst verdict of
-- quality among the sites included.
{{ config(materialized='ephemeral') }}
with measured_sites as (
    select distinct
        effects.analysis,
        effects.indicator,
        effects.wave,
        coalesce(sites.pool, effects.stage) as stage,
        effects.dimension,
        effects.level,
        effects.site,
        effects.n_treatment,
        effects.n_control,
        effects.basis
    from {{ ref('int_site_effects') }} as effects
    left join {{ ref('int_analysis_sites') }} as sites using (analysis, indicator, wave, site)
    where effects.estimate_se is not null
),

people as (
    select
        analysis,
        indicator,
        wave,
        stage,
        dimension,
        level,
        sum(n_treatment) as n_treatment,
        sum(n_control) as n_control,
        string_agg(distinct basis, ', ' order by basis desc) as basis
    from measured_sites
    group by all
),

verdicts as (
    select
        sites.analysis,
        sites.indicator,
        sites.wave,
        sites.pool as stage,
        {{ worst_verdict('admission.verdict') }} as quality_verdict
    from {{ ref('int_analysis_sites') }} as sites
    inner join {{ source('quality', 'admission') }} as admission using (site, wave, indicator)
    where sites.state = 'included'
    group by all
)

select
    people.*,
    verdicts.quality_verdict
from people
left join verdicts using (analysis, indicator, wave, stage)
