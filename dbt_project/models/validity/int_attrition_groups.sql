-- Who was assigned and who was lost, by arm, for every site and for sites taken together: exact counts.
{%- set arms = {'treatment': 'v.is_treated', 'control': 'not v.is_treated'} %}
select
    g.group_id,
    g.analysis,
    g.indicator,
    g.wave,
    g.site,
    g.stage,
    {%- for name, arm in arms.items() %}
        coalesce(sum(v.n) filter (where {{ arm }}), 0)::bigint as n_{{ name }},
        coalesce(sum(v.n) filter (where {{ arm }} and v.value_steps is null), 0)::bigint as missing_{{ name }},
        coalesce(sum(v.n) filter (where {{ arm }} and v.is_dead), 0)::bigint as dead_{{ name }},
    {%- endfor %}
    bool_or(v.cluster_id is not null) as is_clustered,
    bool_or(v.is_derived) as is_derived
from {{ ref('int_validity_groups') }} as g
inner join {{ ref('int_randomised_values') }} as v
    on g.analysis = v.analysis and g.indicator = v.indicator and g.wave = v.wave and g.member = v.site
group by g.group_id, g.analysis, g.indicator, g.wave, g.site, g.stage
order by g.group_id
