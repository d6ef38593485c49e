-- The worst verdict of quality among a stage's sites included.
{{ config(materialized='ephemeral') }}
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
