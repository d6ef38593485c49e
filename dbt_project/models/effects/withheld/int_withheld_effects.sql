{{ config(materialized='ephemeral') }}
-- What the effect at a withheld site would be, for no eye but the pool's: only where its data were read and judged
-- (verdict fail), it randomised and sent rows, and the effect is a difference of means. Whatever else is withheld is
-- bounded. Arms' weighted means y = T / N over clusters, with score T_c - y N_c of a cluster:
--     se^2 = sum over arms of m / (m - 1) sum score^2 / N^2, Satterthwaite's degrees of freedom
-- Without blocks and covariates: rows that failed are good enough to ask whether they matter, not to be adjusted.
-- Sums are of doubles, in order: what a poisoned source holds may be too large for exact ones, and must stop no night.
with clusters as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.site,
        i.resolution::double / if(i.effect_scale = 'hedges_g', i.reference_sd, 1) as unit,
        f.arm = a.treatment_arm as is_treated,
        if(a.clusters = 'cluster', coalesce(f.cluster_id, f.unit_key), f.unit_key) as cluster_id,
        sum(f.weight::double * o.value_steps::double order by f.unit_key) as total,
        sum(f.weight::double order by f.unit_key) as mass
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis and a.level = 'site'
    inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
    inner join {{ source('quality', 'admission') }} as g
        on s.site = g.site and s.wave = g.wave and s.indicator = g.indicator
    inner join {{ ref('int_frame') }} as f
        on
            s.site = f.site and a.round = f.round and coalesce(f.wave, s.wave) = s.wave
            and f.arm in (a.treatment_arm, a.control_arm)
            and (a.replacements = 'include' or not f.is_replacement)
    inner join {{ ref('int_outcomes') }} as o
        on s.indicator = o.indicator and s.wave = o.wave and f.unit_key = o.unit_key
    where
        s.state = 'withheld'
        and g.verdict = 'fail'
        and s.basis = 'rows'
        and s.design_group = 'randomised'
        and a.clusters <> 'site'
        and i.statistic in ('mean', 'share')
        and (i.effect_scale in ('difference', 'risk_difference') or i.reference_sd is not null)
        and i.effect_scale in ('difference', 'risk_difference', 'hedges_g')
        and a.analysis not in (select c.analysis from {{ source('registry', 'analysis_cohorts') }} as c)
        and o.value_steps is not null
        and f.weight > 0
        and coalesce(o.site_found, f.site) = f.site
    group by all
),

means as (
    select
        *,
        sum(mass) over arm as arm_mass,
        sum(total) over arm / arm_mass as mean
    from clusters
    window arm as (
        partition by analysis, indicator, wave, site, is_treated order by cluster_id
        rows between unbounded preceding and unbounded following
    )
),

arms as (
    select
        analysis,
        indicator,
        wave,
        site,
        is_treated,
        any_value(mean) * unit as mean,
        count(*) as m,
        m / nullif(m - 1, 0) * sum(((total - mean * mass) * unit / arm_mass) ** 2 order by cluster_id) as variance
    from means
    group by analysis, indicator, wave, site, is_treated, unit
)

select
    t.analysis,
    t.indicator,
    t.wave,
    t.site,
    t.mean - c.mean as estimate,
    t.variance + c.variance as variance,
    (t.variance + c.variance) ** 2 / (t.variance ** 2 / (t.m - 1) + c.variance ** 2 / (c.m - 1)) as df
from arms as t
inner join arms as c
    on
        t.analysis = c.analysis and t.indicator = c.indicator and t.wave = c.wave and t.site = c.site
        and t.is_treated and not c.is_treated
where least(t.m, c.m) >= 2 and t.variance + c.variance between 1e-90 and 1e90 and abs(t.mean - c.mean) < 1e90
