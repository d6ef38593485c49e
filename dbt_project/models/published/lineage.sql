-- Which sources, and which of their questions, every number of a site, wave and indicator was made from. With the
-- receipts and fingerprints beside the release it leads from any published number back to what was pulled.
with cells as (
    select
        site,
        wave,
        indicator,
        coalesce(basis, 'rows') as basis
    from {{ source('registry', 'expected_cells') }}
),

answers as (
    select
        cells.site,
        cells.wave,
        cells.indicator,
        deliveries.source,
        terms.instrument || '.' || terms.item as item,
        terms.term
    from cells
    inner join {{ source('registry', 'indicator_terms') }} as terms on cells.indicator = terms.indicator
    inner join {{ ref('stg_expected_deliveries') }} as deliveries
        on cells.site = deliveries.site and cells.wave = deliveries.wave and terms.instrument = deliveries.instrument
    where cells.basis = 'rows'
),

-- The frame says who counts, and in which arm; what came instead of rows says the rest.
others as (
    select distinct
        cells.site,
        cells.wave,
        cells.indicator,
        sources.source,
        '*' as item,
        case when sources.role in ('moments', 'estimates') then sources.role else 'frame' end as term
    from cells
    inner join {{ source('registry', 'source_sites') }} as source_sites on cells.site = source_sites.site
    inner join {{ source('registry', 'sources') }} as sources on source_sites.source = sources.source
    where
        sources.role = cells.basis
        or (cells.basis = 'rows' and sources.role in ('listing', 'assignment'))
)

select * from answers
union all
select * from others
