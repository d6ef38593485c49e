-- Sites whose design compares no groups: what changed since the baseline (pre_post, the same people in both waves), or
-- where it stands (post_only), summed by cluster; people without one are their own. Read from rows; sites that sent
-- moments need them. A quotient's change is not told: its baseline's exposure is not kept.
with members as (
    select
        u.analysis,
        u.indicator,
        u.wave,
        u.site,
        u.cluster_id is not null as has_cluster,
        coalesce(u.cluster_id, u.unit_key) as cluster_id,
        u.weight_steps,
        u.is_rate,
        r.design = 'pre_post' as is_change,
        case when u.is_rate then u.weight_steps * u.term_exposure else u.weight_steps end as mass,
        case
            when r.design = 'post_only' or i.is_change then u.term_outcome
            when not u.is_rate then u.term_outcome - u.term_baseline
        end as value_steps
    from {{ ref('int_analysis_units') }} as u
    inner join {{ ref('int_analysis_sites') }} as s
        on u.analysis = s.analysis and u.indicator = s.indicator and u.wave = s.wave and u.site = s.site
    inner join {{ source('registry', 'sites') }} as r on u.site = r.site
    inner join {{ source('registry', 'indicators') }} as i on u.indicator = i.indicator
    where
        u.dimension = 'all'
        and s.state = 'not_identified'
        and r.design in ('pre_post', 'post_only')
        and (r.design = 'post_only' or exists (
            select 1
            from {{ source('quality', 'admission') }} as q
            inner join {{ source('registry', 'waves') }} as w on q.wave = w.wave and w.is_baseline
            where q.site = u.site and q.indicator = u.indicator and q.is_admitted
        ))
)

select
    analysis,
    indicator,
    wave,
    site,
    cluster_id,
    count(value_steps)::bigint as n,
    count(*)::bigint as measured_count,
    bool_or(has_cluster) as has_cluster,
    coalesce(sum(mass) filter (where value_steps is not null), 0) as mass,
    coalesce(sum(weight_steps * value_steps), 0) as total
from members
group by analysis, indicator, wave, site, cluster_id
order by analysis, indicator, wave, site, cluster_id
