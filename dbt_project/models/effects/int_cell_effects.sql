-- The pilot's effect in each cell of people, and what the clusters add to its error.
-- At a site, the difference of the arms' means in the cell; over sites, their mean (weighted by eligible people where
-- the analysis is). Reads people: sites that send moments or estimates have no cells (needs_rows).
-- A cluster's score is (T - m N) / N_arm, signed by arm, for its total T and mass N and the arm's mean m.
{%- set key = 'analysis, indicator, wave, site' %}
with clusters as (
    select
        u.analysis,
        u.indicator,
        u.wave,
        u.site,
        j.cell,
        coalesce(u.cluster_id, u.unit_key) as cluster_id,
        u.arm = a.treatment_arm as is_treated,
        sum(u.weight_steps * u.term_outcome) as total,
        sum(u.weight_steps * if(u.is_rate, u.term_exposure, 1)) as mass
    from {{ ref('int_analysis_units') }} as u
    inner join {{ source('registry', 'analyses') }} as a on u.analysis = a.analysis
    inner join {{ ref('int_analysis_sites') }} as s
        on u.analysis = s.analysis and u.indicator = s.indicator and u.wave = s.wave and u.site = s.site
    inner join {{ ref('int_joint_cells') }} as j
        on u.indicator = j.indicator and a.round = j.round and u.unit_key = j.unit_key
    where u.dimension = 'all' and s.stage = 'pilot' and s.state = 'included'
    group by all
),

arms as (
    select
        *,
        sum(mass) over arm as arm_mass,
        (sum(total) over arm)::double / nullif(arm_mass, 0)::double as mean
    from clusters
    window arm as (partition by {{ key }}, cell, is_treated)
),

differences as (
    select
        {{ key }},
        cell,
        max(mean) filter (where is_treated) - max(mean) filter (where not is_treated) as effect
    from arms
    group by {{ key }}, cell
    having effect is not null
),

-- the weight of a site among those that have the cell in both arms
sites as (
    select
        d.*,
        if(a.unit = 'person_weighted', r.eligible_count::double, 1) as site_weight,
        site_weight / sum(site_weight) over (
            partition by d.analysis, d.indicator, d.wave, d.cell order by d.site
            rows between unbounded preceding and unbounded following
        ) as site_share
    from differences as d
    inner join {{ source('registry', 'analyses') }} as a on d.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on d.site = r.site
)

select
    a.analysis,
    a.indicator,
    a.wave,
    a.site,
    a.cluster_id,
    a.cell,
    s.site_share * s.effect * {{ unit_per_step('i.statistic', 'i.resolution') }} as site_effect,
    s.site_share * sum(
        if(a.is_treated, 1, -1) * (a.total::double - a.mean * a.mass::double) / nullif(a.arm_mass, 0)::double
        order by a.is_treated
    ) * {{ unit_per_step('i.statistic', 'i.resolution') }} as score
from arms as a
inner join sites as s using ({{ key }}, cell)
inner join {{ source('registry', 'indicators') }} as i on a.indicator = i.indicator
group by
    a.analysis, a.indicator, a.wave, a.site, a.cluster_id, a.cell, s.site_share, s.effect, i.statistic, i.resolution
order by a.analysis, a.indicator, a.wave, a.site, a.cluster_id, a.cell
