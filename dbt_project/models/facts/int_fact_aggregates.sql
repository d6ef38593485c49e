-- Cells that sites or publications sent instead of people: how many rows contradict themselves, out of how many.
with sent as (
    select
        site,
        wave,
        indicator,
        problem
    from {{ ref('stg_moments') }}
    union all
    select
        site,
        wave,
        indicator,
        problem
    from {{ ref('stg_estimates') }}
)

select
    rules.rule,
    cells.site,
    cells.wave,
    cells.indicator,
    count(sent.problem) as violations,
    count(sent.site) as denominator
from {{ rules_of(['aggregate_consistent']) }} as rules
cross join {{ source('registry', 'expected_cells') }} as cells
left join sent
    on cells.site = sent.site and cells.wave = sent.wave and cells.indicator = sent.indicator
where cells.basis in ('moments', 'estimates')
group by rules.rule, cells.site, cells.wave, cells.indicator
