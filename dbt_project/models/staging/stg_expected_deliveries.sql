-- Which survey source is to deliver which site's wave, with that wave's state and dates.
select
    sources.source,
    sources.instrument,
    sources.max_age_days,
    source_sites.site,
    source_waves.wave,
    site_waves.state as wave_state,
    site_waves.from_date,
    site_waves.closes_date
from {{ source('registry', 'sources') }} as sources
inner join {{ source('registry', 'source_sites') }} as source_sites on sources.source = source_sites.source
inner join {{ source('registry', 'source_waves') }} as source_waves on sources.source = source_waves.source
inner join {{ source('registry', 'site_waves') }} as site_waves
    on source_sites.site = site_waves.site and source_waves.wave = site_waves.wave
where sources.role = 'survey'
