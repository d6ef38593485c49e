-- Missing as an outcome, 1 or 0, in the shape of int_fit_clusters: one block, since the differential is that of all
-- who were assigned. Units that are their own clusters share one row per arm.
select
    g.group_id as fit_id,
    '' as block_id,
    v.cluster_id,
    case when v.cluster_id is null then v.is_treated end as unit_arm,
    case when v.cluster_id is null then sum(v.n)::bigint else 1 end as multiplicity,
    {%- for side, arm in {'1': 'v.is_treated', '0': 'not v.is_treated'}.items() %}
        coalesce(sum(v.n) filter (where {{ arm }}), 0)::hugeint as mass_{{ side }},
        coalesce(sum(v.n) filter (where {{ arm }} and v.value_steps is null), 0)::hugeint as total_{{ side }},
    {%- endfor %}
    sum(v.n)::hugeint as weight_sum,
    coalesce(sum(v.n) filter (where v.value_steps is null), 0)::hugeint as cross_sum,
    cross_sum as squares,
    sum(v.n)::hugeint as mass_squares
from {{ ref('int_validity_groups') }} as g
inner join {{ ref('int_attrition_groups') }} as a on g.group_id = a.group_id
inner join {{ ref('int_randomised_values') }} as v
    on g.analysis = v.analysis and g.indicator = v.indicator and g.wave = v.wave and g.member = v.site
where a.n_treatment > 0 and a.n_control > 0
group by g.group_id, v.cluster_id, unit_arm
order by fit_id, v.cluster_id, unit_arm
