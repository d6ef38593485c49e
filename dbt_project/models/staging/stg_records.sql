-- Every record of every root table, with its site found and its system columns read as what they are.
with records as (
    {{ root_records() }}
),

placed as (
    select
        records.*,
        sources.role,
        sources.instrument,
        sources.round,
        sources.is_randomised,
        sources.frame,
        site_codes.site,
        programme.unit_scope,
        coalesce(programme.timezone, 'UTC') as timezone
    from records
    inner join {{ source('registry', 'sources') }} as sources on records.source = sources.source
    cross join {{ source('registry', 'programme') }} as programme
    left join {{ ref('stg_site_codes') }} as site_codes
        on records.source = site_codes.source and records.site_code = site_codes.site_code
)

select
    source,
    role,
    lake_table,
    instrument,
    round,
    is_randomised,
    frame,
    record_id,
    site,
    nullif(site_code, '') as site_code,
    unit_id,
    case when unit_scope = 'programme' then unit_id else site || ':' || unit_id end as unit_key,
    wave,
    try_cast(submitted_at as timestamp) as submitted_at,
    form_version,
    disposition,
    lower(arm) as arm,
    upper(cluster_code) as cluster_code,
    upper(block_code) as block_code,
    weight as weight_text,
    case
        when unit_scope = 'programme' then replaces_unit_id else site || ':' || replaces_unit_id
    end as replaces_unit_key,
    cohort,
    order_by,
    enumerator,
    {{ local_time('started_at', 'timezone') }} as started_at,
    {{ local_time('ended_at', 'timezone') }} as ended_at,
    position
from placed
