-- No clock of ours and no path: the same exports give the same rows wherever and whenever they are read.
with served as (
    select
        source,
        sum(row_count) as kept_rows
    from {{ source('registry', 'lake_tables') }}
    where parent_table is null
    group by source
)

select
    sources.source,
    sources.role,
    sources.platform,
    sources.instrument,
    sources.mode,
    sources.frame,
    case
        when sources.receipt_state in ('landed', 'unchanged') then 'current'
        when sources.receipt_state is null then 'never_pulled'
        else sources.receipt_state
    end as state,
    case sources.receipt_state
        when 'failed' then 'the last pull failed; what was pulled before it is used'
        when 'encrypted' then 'the answers are encrypted and no key fits; what was pulled before is used'
        when 'conflict' then 'another source claims the same submissions'
        when 'empty' then 'the export holds no rows'
    end as state_reason,
    {{ suppress_count('coalesce(served.kept_rows, 0)') }} as kept_row_count,
    sources.input_hash,
    sources.export_time
from {{ source('registry', 'sources') }} as sources
cross join {{ source('registry', 'programme') }} as programme
left join served using (source)
