-- Which site a code means in which source. A blank code means the source's only site, where it has only one.
with coded as (
    select
        sources.source,
        site_codes.site_code,
        site_codes.site
    from {{ source('registry', 'sources') }} as sources
    cross join {{ source('registry', 'site_codes') }} as site_codes
),

single_sites as (
    select
        source,
        '' as site_code,
        min(site) as site
    from {{ source('registry', 'source_sites') }}
    group by source
    having count(distinct site) = 1
)

select * from coded
union all
select * from single_sites
