-- Exact sums of everything known at baseline, by cluster and arm.
select
    analysis,
    site,
    covariate,
    block_id,
    cluster_id,
    is_treated,
    count(*) as n,
    sum(value)::decimal(38, 0) as total,
    sum(value * value)::decimal(38, 0) as squares
from {{ ref('int_baseline_units') }}
group by all
order by all
