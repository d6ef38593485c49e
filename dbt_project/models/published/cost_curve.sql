-- Costs and counts as published are all that goes in, so nothing is left to hide.
with numbers as (
    select
        analysis,
        wave,
        curve,
        site,
        from_point,
        to_point,
        'marginal_cost' as measure,
        value,
        from_total_cost as from_cost,
        to_total_cost as to_cost,
        from_n,
        to_n,
        site_count,
        case when value is null then 'same_scale' else 'estimated' end as state,
        case when value is null then 'as many participants as before' end as why_missing,
        case
            when value < 0 then 'cost and participants went opposite ways'
        end as value_words
    from {{ ref('int_cost_steps') }}
    union all by name
    select
        analysis,
        wave,
        'sites' as curve,
        'network' as site,
        'fewest participants' as from_point,
        'most participants' as to_point,
        'elasticity' as measure,
        beta as value,
        beta_se as value_se,
        df,
        beta_low as value_low,
        beta_high as value_high,
        k as site_count,
        case when beta is not null then 'estimated' when k < 3 then 'too_few_sites' else 'same_scale' end as state,
        case
            when beta is not null then null
            when k < 3 then 'fewer than three sites tell both cost and participants'
            else 'every site has as many participants'
        end as why_missing,
        case
            when beta_high < 1 then 'economies of scale: cost rises by less than the share by which participants do'
            when beta_low > 1 then 'diseconomies of scale: cost rises by more than the share by which participants do'
            when beta is not null then 'cannot be told from a constant cost per participant'
        end as value_words
    from {{ ref('int_cost_elasticity') }}
)

select
    n.analysis,
    n.wave,
    n.curve,
    n.site,
    n.from_point,
    n.to_point,
    n.measure,
    if(
        n.measure = 'elasticity', 'percent more cost per percent more participants',
        p.base_currency || ' at ' || p.price_year::varchar || ' prices per further participant'
    ) as unit,
    n.value,
    n.value_se,
    n.df,
    n.value_low,
    n.value_high,
    n.value_words,
    n.from_cost,
    n.to_cost,
    n.from_n,
    n.to_n,
    n.site_count::integer as site_count,
    n.state,
    coalesce(
        n.why_missing,
        case when n.measure = 'marginal_cost' then 'a difference of known amounts, without a standard error' end
    ) as why_missing
from numbers as n
cross join {{ source('registry', 'programme') }} as p
order by n.analysis, n.wave, n.curve, n.site, n.to_point
