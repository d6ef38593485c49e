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
        count_if(site is not null) as answered_count,
        0 as missing_code_count,
        count_if(site is null and site_code is null) as blank_count,
        0 as unreadable_count,
        count_if(site is null and site_code is not null) as unmapped_count
    from {{ ref('stg_records') }}
    group by source, lake_table
)

select
    source,
    lake_table,
    column_name,
    item,
    role,
    cast(answered_count as bigint) as answered_count,
    cast(missing_code_count as bigint) as missing_code_count,
    cast(blank_count as bigint) as blank_count,
    cast(unreadable_count as bigint) as unreadable_count,
    cast(unmapped_count as bigint) as unmapped_count
from cells
union all
select
    source,
    lake_table,
    column_name,
    item,
    role,
    cast(answered_count as bigint) as answered_count,
    cast(missing_code_count as bigint) as missing_code_count,
    cast(blank_count as bigint) as blank_count,
    cast(unreadable_count as bigint) as unreadable_count,
    cast(unmapped_count as bigint) as unmapped_count
from site_codes
