-- The stage each site was at when its treatment started, and the day: the latest stage that had begun on the first day
-- of its first wave. A site that took up its first stage after its first wave has that one.
with site_starts as (
    select
        site,
        min(from_date) as started_on
    from {{ source('registry', 'site_waves') }}
    group by site
)

select
    t.site,
    coalesce(
        arg_max(t.stage, t.from_date) filter (where t.from_date <= s.started_on),
        arg_min(t.stage, t.from_date)
    ) as stage,
    coalesce(max(t.from_date) filter (where t.from_date <= s.started_on), min(t.from_date)) as treated_from
from {{ source('registry', 'site_stages') }} as t
left join site_starts as s on t.site = s.site
group by t.site
order by t.site
