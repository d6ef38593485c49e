-- noqa: disable=LT02
-- Controls only: those who live in a cluster with somebody treated (side 1) beside those of clusters with nobody
-- treated, in the shape of int_fit_clusters. Blocks as in the analysis; counted from a whole number near the mean.
with treated_clusters as (
    select distinct
        a.analysis,
        f.cluster_id
    from {{ source('registry', 'analyses') }} as a
    inner join {{ ref('int_frame') }} as f on a.round = f.round
    where f.arm <> a.control_arm and f.cluster_id is not null and a.clusters = 'cluster'
),

controls as (
    select
        g.group_id,
        v.site || '|' || v.block_id as block_id,
        v.cluster_id,
        t.cluster_id is not null as is_beside,
        v.value_steps::hugeint as value,
        v.n::hugeint as n
    from {{ ref('int_validity_groups') }} as g
    inner join {{ ref('int_randomised_values') }} as v
        on g.analysis = v.analysis and g.indicator = v.indicator and g.wave = v.wave and g.member = v.site
    inner join {{ source('registry', 'analyses') }} as a on g.analysis = a.analysis
    inner join {{ source('registry', 'indicators') }} as i on g.indicator = i.indicator
    left join treated_clusters as t on v.analysis = t.analysis and v.cluster_id = t.cluster_id
    where
        not v.is_treated
        and v.value_steps is not null
        and v.cluster_id is not null
        and a.clusters = 'cluster'
        and i.statistic not in ('rate', 'ratio', 'median', 'quantile')
),

origins as (
    select
        group_id,
        round(sum(n * value)::double / sum(n)::double)::decimal(38, 0)::hugeint as origin
    from controls
    group by group_id
    having bool_or(is_beside) and bool_or(not is_beside)
)

select
    c.group_id as fit_id,
    c.block_id,
    c.cluster_id,
    null::boolean as unit_arm,
    1 as multiplicity,
    {%- for side, where in {'1': 'c.is_beside', '0': 'not c.is_beside'}.items() %}
        coalesce(sum(c.n) filter (where {{ where }}), 0)::hugeint as mass_{{ side }},
        coalesce(sum(c.n * (c.value - o.origin)) filter (where {{ where }}), 0)::hugeint as total_{{ side }},
    {%- endfor %}
    sum(c.n)::hugeint as weight_sum,
    sum(c.n * (c.value - o.origin))::hugeint as cross_sum,
    sum(c.n * (c.value - o.origin) * (c.value - o.origin))::hugeint as squares,
    sum(c.n)::hugeint as mass_squares
from controls as c
inner join origins as o on c.group_id = o.group_id
group by c.group_id, c.block_id, c.cluster_id
order by fit_id, c.block_id, c.cluster_id
