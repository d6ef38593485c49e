-- What the reliability of a scale needs: sums and sums of squares of its items and of their total, over the frame's
-- people who answered every item, whatever their arm. Reversed items are counted from the other end first.
with sums as (
    {{ scale_sums(ref('int_measurements')) }}
)

select
    indicator,
    site,
    wave,
    item,
    sum(n)::bigint as n,
    sum(total)::decimal(38, 0) as total,
    sum(squares)::decimal(38, 0) as squares
from sums
where n > 0
group by indicator, site, wave, item
order by indicator, site, wave, item
