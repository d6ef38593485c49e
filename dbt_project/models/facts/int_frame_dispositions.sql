-- What became of each unit of the frame in each wave, with what its site's primary round says of it.
select
    dispositions.unit_key,
    dispositions.site,
    dispositions.wave,
    dispositions.disposition,
    dispositions.is_replaced,
    frame.is_replacement,
    coalesce(frame.is_randomised, false) as is_randomised,
    frame.arm,
    frame.cluster_id
from {{ ref('int_dispositions') }} as dispositions
inner join {{ ref('int_primary_rounds') }} as primary_rounds on dispositions.site = primary_rounds.site
inner join {{ ref('int_frame') }} as frame
    on
        primary_rounds.site = frame.site
        and primary_rounds.round = frame.round
        and dispositions.unit_key = frame.unit_key
        and coalesce(frame.wave, dispositions.wave) = dispositions.wave
qualify row_number() over (
    partition by dispositions.unit_key, dispositions.wave order by frame.wave nulls last
) = 1
