-- Every row of the listing and assignment sources, ranked: the first of a unit in its source, round and wave holds.
select
    *,
    case
        when unit_key is not null then row_number() over (
            partition by round, wave, unit_key, source
            order by submitted_at desc nulls last, record_id desc, lake_table asc
        )
    end as unit_row_rank,
    case when role = 'assignment' then 0 else 1 end as role_rank
from {{ ref('stg_records') }}
where role in ('listing', 'assignment')
