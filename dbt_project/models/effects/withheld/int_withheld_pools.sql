-- noqa: disable=LT02, RF01
-- Each stage of which the gates withheld a site: how much of it is withheld, and what the stage's effect would be with
-- the sites that can be restored, for each estimator a headline may have. The rest are bounded: the mean over all is
--     (1 - p) estimate + p e, e anywhere in [-span, span], p the withheld share of what the estimator counts
-- (Horowitz and Manski 1995). One trial over all sites (level network) is bounded by its units.
with joined as (
    select
        o.pool_id,
        list_sort(list_concat(
            list_transform(list_zip(o.v, o.y, o.df, o.eligible, o.sites), lambda x: {
                'v': x[1], 'site': x[5], 'y': x[2], 'df': x[3], 'eligible': x[4]
            }),
            list_transform(coalesce(g.restored, []), lambda x: {
                'v': x.v, 'site': x.site, 'y': x.y, 'df': x.df, 'eligible': x.eligible
            })
        )) as members
    from {{ ref('int_withheld_gaps') }} as g
    inner join {{ ref('int_pools') }} as o using (analysis, indicator, wave, stage, design_group, measure)
    where o.dimension = 'all'
),

restored as materialized (
    select
        pool_id,
        {%- for name in ['y', 'v', 'df', 'eligible'] %}
            list_transform(members, lambda x: x.{{ name }}) as {{ name }},
        {%- endfor %}
        len(members) as k
    from joined
    where len(members) >= 1
),

centred as materialized ({{ precise_first('restored') }}),

many as (
    select * from centred
    where k >= 3
),

variances as ({{ likelihood_tau2('many') }}),

weighted as (
    select
        c.*,
        p.df,
        null::double as tau2,
        k.weighting,
        if(k.weighting = 'equal_mean', list_transform(c.v, lambda x: 1.0::double), p.eligible) as w
    from centred as c
    inner join restored as p on c.pool_id = p.pool_id
    cross join (values ('equal_mean'), ('eligible_weighted_mean')) as k (weighting)
    where k.weighting = 'equal_mean' or not list_contains(list_transform(p.eligible, lambda x: x is null), true)
    union all by name
    select
        c.*,
        p.df,
        t.tau2,
        'reml' as weighting,
        list_transform(c.v, lambda x: 1 / (x + t.tau2)) as w
    from centred as c
    inner join restored as p on c.pool_id = p.pool_id
    inner join variances as t on c.pool_id = t.pool_id and t.is_converged
),

means as ({{ pooled_means('weighted') }}),

estimated as (
    select
        g.*,
        o.pool_id,
        unnest(['equal_mean', 'eligible_weighted_mean', 'reml_hksj_truncated']) as estimator
    from {{ ref('int_withheld_gaps') }} as g
    left join {{ ref('int_pools') }} as o
        on
            g.analysis = o.analysis and g.indicator = o.indicator and g.wave = o.wave and g.stage = o.stage
            and g.design_group = o.design_group and g.measure = o.measure and o.dimension = 'all'
    where g.level = 'site'
    union all by name
    select
        *,
        'network' as estimator
    from {{ ref('int_withheld_gaps') }}
    where level = 'network'
)

select
    e.analysis,
    e.indicator,
    e.wave,
    e.stage,
    e.design_group,
    e.measure,
    e.estimator,
    e.withheld_count,
    e.restored_count,
    e.withheld_count - e.restored_count as bounded_count,
    e.withheld_count / e.site_count * 100 as withheld_site_pct,
    e.unit_count,
    e.withheld_unit_count,
    e.span,
    case e.estimator
        when 'network' then e.withheld_unit_count / nullif(e.unit_count, 0)
        when 'eligible_weighted_mean' then e.eligible_withheld / e.eligible_sum
        else e.withheld_count / e.site_count
    end as withheld_share,
    case
        when e.withheld_count = e.restored_count then 0
        when e.estimator = 'network' then e.withheld_unit_count / nullif(e.unit_count, 0)
        when e.estimator = 'eligible_weighted_mean' then e.eligible_bounded / e.eligible_sum
        else (e.withheld_count - e.restored_count) / e.site_count
    end as bounded_share,
    coalesce(m.estimate, n.estimate) as estimate_if_restored,
    coalesce(m.estimate_se, n.estimate_se) as se_if_restored,
    coalesce(m.df, n.df) as df_if_restored
from estimated as e
left join means as m on e.pool_id = m.pool_id and e.estimator = m.estimator
left join {{ ref('int_site_effects') }} as n
    on
        e.estimator = 'network' and n.site = 'network' and n.dimension = 'all' and n.is_own
        and e.analysis = n.analysis and e.indicator = n.indicator and e.wave = n.wave and e.stage = n.stage
        and e.measure = n.measure
order by e.analysis, e.indicator, e.wave, e.stage, e.design_group, e.estimator
