-- Whether a site's arms are as many as its design says: the p-value of the count of treated clusters, or units.
with assigned as (
    select
        frame.site,
        count(distinct frame.arm) as arms,
        count(distinct frame.cluster_id) as clusters,
        count(distinct frame.cluster_id) filter (where frame.arm <> 'control') as treated_clusters,
        count(distinct frame.unit_key) as units,
        count(distinct frame.unit_key) filter (where frame.arm <> 'control') as treated_units
    from {{ ref('int_frame') }} as frame
    inner join {{ ref('int_primary_rounds') }} as primary_rounds
        on frame.site = primary_rounds.site and frame.round = primary_rounds.round
    where frame.arm is not null and not frame.is_replacement
    group by frame.site
),

counted as (
    select
        sites.site,
        sites.design,
        sites.treated_share,
        coalesce(assigned.arms, 0) as arms,
        case when assigned.clusters > 0 then assigned.clusters else coalesce(assigned.units, 0) end as randomised,
        case when assigned.clusters > 0 then assigned.treated_clusters else assigned.treated_units end as treated
    from {{ source('registry', 'sites') }} as sites
    left join assigned on sites.site = assigned.site
)

select
    site,
    cast(randomised as bigint) as denominator,
    cast(coalesce(treated, 0) as bigint) as treated_count,
    treated_share as designed_share,
    binomial_two_sided_p(
        cast(treated as bigint), cast(nullif(randomised, 0) as bigint), cast(treated_share as double)
    ) as p_value,
    case
        when design in ('pre_post', 'post_only') then 'the design has no arms'
        when treated_share is null then 'no treated share is set for the site'
        when arms > 2 then 'the site has more than two arms'
    end as why_not_applicable
from counted
