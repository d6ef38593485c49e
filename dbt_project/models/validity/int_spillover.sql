-- Spillover: controls beside treated people minus controls in clusters without any, with CR2 standard errors. Told
-- where the frame has such pure controls, and both kinds of clusters.
with robust as (
    {{ cluster_robust(ref('int_spillover_clusters')) }}
),

sizes as (
    select
        fit_id,
        sum(mass_1)::bigint as n_beside,
        sum(mass_0)::bigint as n_pure
    from {{ ref('int_spillover_clusters') }}
    group by fit_id
)

select
    s.fit_id as group_id,
    s.n_beside,
    s.n_pure,
    r.beta * {{ unit_per_step('i.statistic', 'i.resolution') }} as estimate,
    case
        when r.is_nested and least(r.clusters_1, r.clusters_0) >= 2 and r.beta_se > 0 and r.df > 0
            then r.beta_se * {{ unit_per_step('i.statistic', 'i.resolution') }}
    end as estimate_se,
    case when estimate_se is not null then r.df end as df,
    case
        when r.beta is null then 'not_estimable'
        when estimate_se is null then 'no_standard_error'
        when r.df < 4 then 'too_few_clusters'
        else 'measured'
    end as state,
    case state
        when 'not_estimable' then 'no block holds both kinds of clusters'
        when 'no_standard_error' then 'fewer than two clusters of a kind, or clusters that do not differ'
        when 'too_few_clusters' then 'fewer than four degrees of freedom'
    end as reason
from sizes as s
inner join {{ ref('int_attrition_groups') }} as g on s.fit_id = g.group_id
inner join {{ source('registry', 'indicators') }} as i on g.indicator = i.indicator
left join robust as r on s.fit_id = r.fit_id
order by group_id
