-- Complete survey records, the latest of each unit, wave and instrument first.
select
    source,
    instrument,
    record_id,
    site,
    wave,
    unit_id,
    unit_key,
    case
        when unit_key is not null then row_number() over (
            partition by unit_key, wave, instrument
            order by submitted_at desc nulls last, record_id desc, source asc
        )
    end as submission_rank,
    case
        when unit_key is not null then count(*) over (partition by unit_key, wave, instrument)
    end as submissions_count
from {{ ref('stg_records') }}
where role = 'survey' and disposition = 'complete' and wave is not null
