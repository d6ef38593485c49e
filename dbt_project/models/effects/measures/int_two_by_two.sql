-- Two by two tables of shares where people stand alone and count alike, block by block: events and others of either
-- arm, with the effects that metafor's escalc gives them, tables without any event (or with nothing else) among them.
with counted as (
    select
        k.fit_id,
        k.block_id,
        i.resolution::double / 1e8 as events_per_step,
        sum(k.mass_1)::double / 1e6 as treated,
        sum(k.mass_0)::double / 1e6 as controls,
        round(sum(k.total_1 + f.origin * k.mass_1)::double * events_per_step) as a,
        treated - a as b,
        round(sum(k.total_0 + f.origin * k.mass_0)::double * events_per_step) as c,
        controls - c as d
    from {{ ref('int_fit_clusters') }} as k
    inner join {{ ref('int_fits') }} as f on k.fit_id = f.fit_id
    inner join {{ source('registry', 'indicators') }} as i on f.indicator = i.indicator
    where i.statistic = 'share' and not f.is_clustered
    group by k.fit_id, k.block_id, i.resolution
    having bool_and(k.mass_1 + k.mass_0 = k.multiplicity * 1000000)
),

filled as (
    select
        *,
        case when least(a, b, c, d) = 0 then 0.5 else 0 end as added,
        {%- for cell in ['a', 'b', 'c', 'd'] %}
            {{ cell }} + added as {{ cell }}2,
        {%- endfor %}
        a2 + b2 as n1,
        c2 + d2 as n0,
        (a * d - b * c) / nullif(sqrt((a + b) * (c + d) * (a + c) * (b + d)), 0) as phi_yi,
        (a + b - c - d) / nullif(sqrt((a + b) * (c + d)), 0) as rows_apart,
        (a + c - b - d) / nullif(sqrt((a + c) * (b + d)), 0) as columns_apart
    from counted
)

select
    fit_id,
    block_id,
    a,
    b,
    c,
    d,
    added,
    -- tables of this comparison that hold both arms
    count(*) filter (where least(a + b, c + d) > 0) over (partition by fit_id) as table_count,
    {%- for name, (estimate, variance) in two_by_two_effects().items() %}
        case when least(a + b, c + d) > 0 then {{ estimate }} end as {{ name }}_yi,
        case when least(a + b, c + d) > 0 then {{ variance }} end as {{ name }}_vi,
    {%- endfor %}
    phi_yi,
    (
        1 - phi_yi ** 2 + phi_yi * (1 + phi_yi ** 2 / 2) * rows_apart * columns_apart
        - 3 / 4 * phi_yi ** 2 * (rows_apart ** 2 + columns_apart ** 2)
    ) / (a + b + c + d) as phi_vi,
    or_yi * sqrt(3) / pi() as or2dl_yi,
    or_vi * 3 / pi() ** 2 as or2dl_vi
from filled
order by fit_id, block_id
