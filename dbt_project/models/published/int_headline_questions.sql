-- One row per headline analysis, wave and primary indicator: what is asked, and which sites stand behind the answer.
{{ config(materialized='ephemeral') }}
with standing as (
    select
        analysis,
        indicator,
        wave,
        bool_or(sites.state = 'interim') as is_interim,
        max(sites.look_date) as look_date,
        bool_or(sites.pool <> 'all') as has_pilot,
        count(*) filter (where sites.state = 'included') as included_count,
        count(*) filter (where sites.state = 'withheld') as withheld_count,
        string_agg(site || ': ' || {{ plain_reason('sites.reason') }}, '; ' order by site)
        filter (where sites.state = 'withheld') as withheld_sites,
        {{ worst_verdict('admission.verdict') }} filter (where sites.state = 'included') as quality_verdict
    from {{ ref('int_analysis_sites') }} as sites
    cross join {{ source('registry', 'programme') }} as programme
    left join {{ source('quality', 'admission') }} as admission using (site, wave, indicator)
    group by analysis, indicator, wave
)

select
    analyses.*,
    analysis_waves.wave,
    waves.wave_order,
    indicators.* exclude (title, unit, role),
    indicators.title as indicator_title,
    indicators.unit as indicator_unit,
    case when standing.has_pilot then 'retention' else 'network' end as effect_scope,
    coalesce(standing.is_interim, false) as is_interim,
    standing.look_date is not null as is_interim_look,
    standing.look_date,
    coalesce(standing.included_count, 0)::integer as included_count,
    coalesce(standing.withheld_count, 0)::integer as withheld_count,
    standing.withheld_sites,
    standing.quality_verdict
from {{ source('registry', 'analyses') }} as analyses
inner join {{ source('registry', 'analysis_waves') }} as analysis_waves using (analysis)
inner join {{ source('registry', 'waves') }} as waves using (wave)
inner join {{ source('registry', 'analysis_indicators') }} as analysis_indicators using (analysis)
inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
left join standing using (analysis, indicator, wave)
where analyses.role = 'headline' and indicators.role = 'primary'
