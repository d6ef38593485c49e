-- How much of what two sites asked people in a wave is the same.
select
    site_a,
    site_b,
    wave,
    overlap_score,
    shared_items::integer as shared_items,
    items_a::integer as items_a,
    items_b::integer as items_b
from {{ ref('int_instrument_overlap') }}
order by wave, site_a, site_b
