-- What the drop owes to other people at scale: the pilot's effect in every cell of people, at the scaled population's
-- shares less the pilot's, sum_c (p_c scaled - p_c pilot) e_c, and each site's effect as its cells predict it.
-- Variance: the clusters' scores over cells together, sum_g (sum_c d_c z_gc)^2 times G / (G - 1) at each site.
{%- set key = 'analysis, indicator, wave' %}
with weighted as (
    select
        s.*,
        if(a.unit = 'person_weighted', r.eligible_count::double, 1) as weight
    from {{ ref('int_cell_shares') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on s.site = r.site
),

stages as (
    select
        {{ key }},
        stage,
        sum(weight order by site) as weight,
        count(*) as site_count
    from (select distinct {{ key }}, stage, site, weight from weighted)
    group by {{ key }}, stage
),

moves as (
    select
        w.analysis,
        w.indicator,
        w.wave,
        w.cell,
        sum(if(w.stage = 'scaled', 1, -1) * w.share * w.weight / t.weight order by w.site) as share_change
    from weighted as w
    inner join stages as t using ({{ key }}, stage)
    group by w.analysis, w.indicator, w.wave, w.cell
),

effects as (
    select
        {{ key }},
        cell,
        sum(site_effect order by site) as effect
    from (select distinct {{ key }}, cell, site, site_effect from {{ ref('int_cell_effects') }})
    group by {{ key }}, cell
),

parts as (
    select
        m.analysis,
        m.indicator,
        m.wave,
        count(*) as cell_count,
        string_agg(m.cell, ', ' order by m.cell) filter (where e.effect is null) as empty_cells,
        sum(m.share_change * e.effect order by m.cell) as composition
    from moves as m
    left join effects as e using ({{ key }}, cell)
    group by m.analysis, m.indicator, m.wave
),

scores as (
    select
        {{ key }},
        site,
        cluster_id,
        sum(m.share_change * e.score order by cell) as score
    from {{ ref('int_cell_effects') }} as e
    inner join moves as m using ({{ key }}, cell)
    group by {{ key }}, site, cluster_id
),

errors as (
    select
        {{ key }},
        sum(variance order by site) as variance,
        sum(cluster_count) - 2 * count(*) as df
    from (
        select
            {{ key }},
            site,
            count(*) as cluster_count,
            sum(score ** 2 order by cluster_id) * cluster_count / nullif(cluster_count - 1, 0) as variance
        from scores
        group by {{ key }}, site
    )
    group by {{ key }}
),

predictions as (
    select
        {{ key }},
        map_from_entries(list(struct_pack(k := site, v := predicted) order by site)) as predicted
    from (
        select
            {{ key }},
            site,
            sum(s.share * e.effect order by cell) as predicted
        from {{ ref('int_cell_shares') }} as s
        inner join effects as e using ({{ key }}, cell)
        group by {{ key }}, site
    )
    group by {{ key }}
)

select
    p.*,
    case when e.variance > 0 and e.df > 0 then sqrt(e.variance) end as composition_se,
    e.df::double as composition_df,
    q.predicted,
    coalesce(pilot.site_count, 0) as pilot_sites,
    coalesce(scaled.site_count, 0) as scaled_sites
from parts as p
left join errors as e using ({{ key }})
left join predictions as q using ({{ key }})
left join stages as pilot
    on
        p.analysis = pilot.analysis and p.indicator = pilot.indicator and p.wave = pilot.wave
        and pilot.stage = 'pilot'
left join stages as scaled
    on
        p.analysis = scaled.analysis and p.indicator = scaled.indicator and p.wave = scaled.wave
        and scaled.stage = 'scaled'
order by p.analysis, p.indicator, p.wave
