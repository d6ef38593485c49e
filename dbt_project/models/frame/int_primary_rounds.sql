-- The round that says who was to be measured at a site: the randomised one where there is one.
select
    site,
    round
from {{ ref('int_frame') }}
group by site, round
qualify row_number() over (partition by site order by min({{ round_order('is_randomised', 'round') }}), round) = 1
