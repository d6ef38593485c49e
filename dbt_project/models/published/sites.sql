with stage_dates as (
    select
        site,
        min(from_date) filter (where stage = 'pilot') as pilot_from_date,
        min(from_date) filter (where stage = 'scale_pilot') as scale_pilot_from_date,
        min(from_date) filter (where stage = 'scaled') as scaled_from_date,
        max_by(stage, from_date) as latest_stage
    from {{ source('registry', 'site_stages') }}
    group by site
),

cells as (
    select
        site,
        {{ worst_verdict('verdict') }} as quality_verdict,
        count(*) filter (where verdict <> 'not_applicable') as judged_cell_count,
        count(*) filter (where verdict <> 'not_applicable' and not is_admitted) as withheld_cell_count
    from {{ source('quality', 'admission') }}
    group by site
),

-- A cell's reason names its worst rules, which the cells of a site mostly share: each is said once.
reasons as (
    select
        site,
        string_agg(distinct reason, '; ' order by reason) as withheld_reason
    from (
        select
            admission.site,
            unnest(string_split({{ plain_reason('admission.reason') }}, '; ')) as reason
        from {{ source('quality', 'admission') }} as admission
        cross join {{ source('registry', 'programme') }} as programme
        where not admission.is_admitted and admission.verdict <> 'not_applicable'
    ) as said
    -- a cell counts the rules it does not name; over a site's cells that count says nothing
    where reason not like 'and % more'
    group by site
)

select
    sites.site,
    sites.title,
    sites.country,
    sites.design,
    sites.implementer,
    sites.eligible_count,
    stage_dates.latest_stage,
    stage_dates.pilot_from_date,
    stage_dates.scale_pilot_from_date,
    stage_dates.scaled_from_date,
    cells.quality_verdict,
    coalesce(cells.judged_cell_count, 0) as judged_cell_count,
    coalesce(cells.withheld_cell_count, 0) as withheld_cell_count,
    reasons.withheld_reason,
    sites.site_order::integer as site_order
from {{ source('registry', 'sites') }} as sites
left join stage_dates using (site)
left join cells using (site)
left join reasons using (site)
