-- How many rows of the field's logs of corrections were applied to each question, and why others were not.
with counted as (
    select
        source,
        log,
        coalesce(question, '*') as question,
        coalesce(action, '*') as action,
        state,
        coalesce(reason, '') as reason,
        sum(row_count)::bigint as row_count
    from {{ source('registry', 'corrections') }}
    group by all
)

select
    counted.source,
    counted.log,
    counted.question,
    counted.action,
    counted.state,
    counted.reason,
    {{ suppress_count('counted.row_count') }} as row_count
from counted
cross join {{ source('registry', 'programme') }} as programme
