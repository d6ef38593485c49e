-- noqa: disable=LT02
-- Whether those lost differ by arm in what they were like at baseline: missing = a + b T + c x + d T x by least
-- squares, x the unit's own outcome at baseline, and the joint test of b = d = 0. From sums by cluster: CR2 with the
-- approximate Hotelling test (HTZ; Pustejovsky and Tipton 2018); units that are their own clusters: the classical F.
with sums as (
    select
        g.group_id,
        v.cluster_id,
        {%- for side, arm in {'': 'true', '_1': 'v.is_treated'}.items() %}
            coalesce(sum(v.baseline_n) filter (where {{ arm }}), 0)::hugeint as n{{ side }},
            coalesce(sum(v.baseline_sum) filter (where {{ arm }}), 0)::hugeint as b{{ side }},
            coalesce(sum(v.baseline_squares) filter (where {{ arm }}), 0)::hugeint as bb{{ side }},
            coalesce(sum(v.baseline_n) filter (where {{ arm }} and v.value_steps is null), 0)::hugeint as m{{ side }},
            coalesce(sum(v.baseline_sum) filter (where {{ arm }} and v.value_steps is null), 0)::hugeint
                as mb{{ side }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_validity_groups') }} as g
    inner join {{ ref('int_randomised_values') }} as v
        on g.analysis = v.analysis and g.indicator = v.indicator and g.wave = v.wave and g.member = v.site
    group by g.group_id, v.cluster_id
    having sum(v.baseline_n) > 0
),

centres as (
    select
        group_id,
        round(sum(b)::double / sum(n)::double)::decimal(38, 0)::hugeint as origin,
        sqrt((sum(n) * sum(bb) - sum(b) * sum(b))::double) / sum(n)::double as scale
    from sums
    group by group_id
),

fits as (
    select
        s.group_id,
        sum(s.n)::bigint as n,
        count(s.cluster_id) > 0 as is_clustered,
        c.scale > 0 and sum(s.m) > 0 and sum(s.m) < sum(s.n) as is_varied,
        interaction_test(
            list([
                s.n::double, s.n_1::double,
                (s.b - c.origin * s.n)::double / c.scale, (s.b_1 - c.origin * s.n_1)::double / c.scale,
                (s.bb - 2 * c.origin * s.b + c.origin * c.origin * s.n)::double / c.scale ** 2,
                (s.bb_1 - 2 * c.origin * s.b_1 + c.origin * c.origin * s.n_1)::double / c.scale ** 2,
                s.m::double, s.m_1::double,
                (s.mb - c.origin * s.m)::double / c.scale, (s.mb_1 - c.origin * s.m_1)::double / c.scale
            ] order by s.cluster_id),
            count(s.cluster_id) > 0
        ) as fitted
    from sums as s
    inner join centres as c on s.group_id = c.group_id
    group by s.group_id, c.scale
)

select
    group_id,
    n,
    is_clustered,
    fitted[1] as interaction,
    fitted[2] as interaction_se,
    fitted[3] as interaction_df,
    fitted[4] as f_statistic,
    2 as f_df_1,
    fitted[5] as f_df_2,
    fitted[6] as p_value,
    case
        when not is_varied then 'constant'
        when fitted[4] is null then 'not_estimable'
        when is_clustered and f_df_2 < 4 then 'too_few_clusters'
        else 'measured'
    end as state,
    case state
        when 'constant' then 'nobody or everybody was lost of those seen at baseline, or all were alike at baseline'
        when 'not_estimable' then 'too few clusters, or an arm in which all were alike at baseline'
        when 'too_few_clusters' then 'fewer than four degrees of freedom'
    end as reason
from fits
order by group_id
