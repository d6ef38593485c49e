-- What became of every cell of the lake: answered, a code of no answer, blank, unreadable, or mapped to nothing.
with cells as (
    {{ cell_counts() }}
),

-- A site code that the programme does not know leaves its record without a site.
site_codes as (
    select
        source,
        lake_table,
        '_sw_site_code' as column_name,
        cast(null as varchar) as item,
        'system' as role,
        cast(count_if(site is not null) as bigint) as answered_count,
        cast(0 as bigint) as missing_code_count,
        cast(count_if(site is null and site_code is null) as bigint) as blank_count,
        cast(0 as bigint) as unreadable_count,
        cast(count_if(site is null and site_code is not null) as bigint) as unmapped_count
    from {{ ref('stg_records') }}
    group by source, lake_table
)

select * from cells
union all by name
select * from site_codes
