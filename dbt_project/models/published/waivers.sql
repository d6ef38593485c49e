-- Who answers for which failures, why and until when; whether it holds tonight, and how many judgements it softened.
with softened as (
    select
        waiver,
        count(*) as judgement_count
    from {{ source('quality', 'judgements') }}
    where waiver is not null
    group by waiver
)

select
    waivers.rule,
    waivers.site,
    waivers.wave,
    waivers.indicator,
    waivers.from_date,
    waivers.until_date,
    waivers.who,
    waivers.why,
    waivers.not_evaluated as covers_not_evaluated,
    waivers.state,
    coalesce(softened.judgement_count, 0)::bigint as judgement_count
from {{ source('registry', 'waivers') }} as waivers
left join softened on waivers.waiver = softened.waiver
