-- The areas of the target population, and which of them hold sites: of any stage, and of each.
with stages as (
    select
        'all' as sample,
        site
    from {{ source('registry', 'sites') }}
    union all
    select distinct
        stage as sample,
        site
    from {{ source('registry', 'site_stages') }}
),

ours as (
    select distinct
        s.sample,
        a.area
    from stages as s
    inner join {{ source('registry', 'population_areas') }} as a on s.site = a.site
),

samples as (
    select distinct sample
    from ours
)

select
    samples.sample,
    a.area,
    ours.area is not null as is_in
from {{ source('registry', 'population_areas') }} as a
cross join samples
left join ours on samples.sample = ours.sample and a.area = ours.area
order by samples.sample, a.area
