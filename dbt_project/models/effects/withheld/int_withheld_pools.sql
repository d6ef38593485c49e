-- noqa: disable=LT02
-- Each stage of which the gates withheld a site: how much of it is withheld, and what the stage's effect would be with
-- the sites that can be restored, for each estimator a headline may have. The rest are bounded: the mean over all sites is
--     (1 - p) estimate + p e, e anywhere in [-span, span], p the withheld share of what the estimator counts
-- (Horowitz and Manski 1995). span: 100 points for a share, a scale's own range, else one standard deviation, more than
-- what Cohen (1988) calls a large effect (0.8). One trial over all sites (level network) is bounded by its units.
with placed as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.site,
        s.state = 'withheld' as is_withheld,
        a.level,
        a.round,
        a.treatment_arm,
        a.control_arm,
        r.eligible_count::double as eligible,
        unnest(if(a.level = 'site', list_distinct([s.pool, 'all']), [s.pool])) as stage,
        case
            when a.level = 'network' then 'randomised'
            when a.pool_designs = 'together' then 'randomised and non-randomised'
            else s.design_group
        end as design_group
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on s.site = r.site
    where s.state in ('included', 'withheld') and s.design_group is not null
),

framed as (
    select
        p.analysis,
        p.indicator,
        p.wave,
        p.site,
        count(distinct f.unit_key) as units
    from (
        select distinct analysis, indicator, wave, site, round, treatment_arm, control_arm
        from placed
        where (select bool_or(is_withheld) from placed)
    ) as p
    inner join {{ ref('int_frame') }} as f
        on
            p.site = f.site and p.round = f.round and coalesce(f.wave, p.wave) = p.wave
            and f.arm in (p.treatment_arm, p.control_arm) and not f.is_replacement
    group by all
),

-- what withheld sites would add to each pool
gaps as (
    select
        p.analysis,
        p.indicator,
        p.wave,
        p.stage,
        p.design_group,
        p.level,
        i.effect_scale as measure,
        count(*) as site_count,
        count(*) filter (where p.is_withheld) as withheld_count,
        count(*) filter (where e.site is not null) as restored_count,
        if(bool_and(f.units is not null), sum(f.units), null)::bigint as unit_count,
        if(bool_and(f.units is not null), coalesce(sum(f.units) filter (where p.is_withheld), 0), null)::bigint
            as withheld_unit_count,
        sum(p.eligible order by p.site) as eligible_sum,
        sum(p.eligible order by p.site) filter (where p.is_withheld and e.site is null) as eligible_bounded,
        sum(p.eligible order by p.site) filter (where p.is_withheld) as eligible_withheld,
        list({
            'y': e.estimate, 'v': e.variance, 'df': e.df, 'eligible': p.eligible, 'site': p.site
        } order by p.site) filter (where e.site is not null) as restored,
        any_value(case
            when i.effect_scale = 'risk_difference' or (i.effect_scale = 'difference' and i.statistic = 'share')
                then 100
            when i.effect_scale = 'hedges_g' then 1
            when i.effect_scale = 'difference' then coalesce(i.scale_max - i.scale_min, i.reference_sd, d.sd)
        end) as span
    from placed as p
    inner join {{ source('registry', 'indicators') }} as i on p.indicator = i.indicator
    left join framed as f
        on p.analysis = f.analysis and p.indicator = f.indicator and p.wave = f.wave and p.site = f.site
    left join {{ ref('int_withheld_effects') }} as e
        on
            p.is_withheld and p.analysis = e.analysis and p.indicator = e.indicator and p.wave = e.wave
            and p.site = e.site
    left join (
        select analysis, indicator, wave, median(sd_control) as sd
        from {{ ref('int_site_effects') }}
        where dimension = 'all' and is_headline and sd_control > 0
        group by analysis, indicator, wave
    ) as d on p.analysis = d.analysis and p.indicator = d.indicator and p.wave = d.wave
    group by p.analysis, p.indicator, p.wave, p.stage, p.design_group, p.level, i.effect_scale
    having count(*) filter (where p.is_withheld) > 0
),

joined as (
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
    from gaps as g
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

many as (select * from centred where k >= 3),

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
    from gaps as g
    left join {{ ref('int_pools') }} as o
        on
            g.analysis = o.analysis and g.indicator = o.indicator and g.wave = o.wave and g.stage = o.stage
            and g.design_group = o.design_group and g.measure = o.measure and o.dimension = 'all'
    where g.level = 'site'
    union all by name
    select
        *,
        'network' as estimator
    from gaps
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
