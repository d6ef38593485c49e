-- One level's effect minus another's, for every two levels of a subgroup dimension in a comparison, as the interaction
-- of the one regression that has an intercept by block and a treatment effect in every level. There each level's CR2
-- scores are those of its own fit, since levels share no row; clusters that hold both levels make effects covary:
--     var = var_a + var_b - 2 sum z_a z_b,   df = (tr_a + tr_b)^2 / (|M_a|^2 + |M_b|^2 + 2 <M_a, M_b>)
--     <M_a, M_b> = sum(d_a d_b - d_a p_b - d_b p_a) + sum over clusters c, d of p_a,cd p_b,cd
-- with z, d, p, v, u as in macro cluster_robust, of which this is the Bell-McCaffrey form for a contrast.
with slices as (
    select c.*
    from {{ ref('int_fit_clusters') }} as c
    inner join {{ ref('int_fits') }} as f on c.fit_id = f.fit_id
    where f.dimension <> 'all' and f.adjustment in ('none', 'ancova')
),

scores as (
    {{ cluster_terms('slices') }}

    select
        fit_id,
        block_id,
        cluster_id,
        copies * (dc - pc) as trace,
        z,
        dc,
        pc,
        v,
        u,
        w,
        d,
        unit_arm
    from terms
),

fits as (
    select
        f.*,
        f.fit_id as fit,
        r.beta * f.step as estimate,
        case when r.is_nested and least(r.clusters_1, r.clusters_0) >= 2 and r.beta_se > 0 then r.beta_se * f.step end
            as estimate_se,
        r.df,
        r.clusters_1,
        r.clusters_0,
        t.trace
    from {{ ref('int_fits') }} as f
    left join {{ ref('int_robust_fits') }} as r on f.fit_id = r.fit_id
    left join (
        select
            fit_id,
            sum(trace order by block_id, cluster_id, unit_arm) as trace
        from scores
        group by fit_id
    ) as t on f.fit_id = t.fit_id
    where f.dimension <> 'all' and f.adjustment in ('none', 'ancova') and not f.is_quantile
),

pairs as (
    select
        a.fit_id as fit_a,
        b.fit_id as fit_b,
        a.level as level_a,
        b.level as level_b,
        {%- for name in ['estimate', 'estimate_se', 'df', 'trace', 'step', 'clusters_1', 'clusters_0'] %}
            a.{{ name }} as {{ name }}_a,
            b.{{ name }} as {{ name }}_b,
        {%- endfor %}
        a.is_clustered or b.is_clustered as is_clustered,
        least(a.n_treatment, b.n_treatment) as n_treatment,
        least(a.n_control, b.n_control) as n_control,
        a.analysis, a.indicator, a.wave, a.site, a.stage, a.dimension
    from fits as a
    inner join fits as b
        on
            a.analysis = b.analysis and a.indicator = b.indicator and a.wave = b.wave and a.site = b.site
            and a.stage = b.stage and a.dimension = b.dimension and a.level < b.level
),

blocks as (
    select
        p.fit_a,
        p.fit_b,
        a.block_id,
        any_value(a.d) as d_a,
        any_value(b.d) as d_b,
        sum(a.z * b.z order by a.cluster_id) as zz,
        sum(a.dc * b.dc - a.dc * b.pc - b.dc * a.pc order by a.cluster_id)
        + sum(a.v * b.v order by a.cluster_id) ** 2 / any_value(a.w * b.w)
        + sum(a.v * b.u order by a.cluster_id) ** 2 / any_value(a.w * b.d)
        + sum(a.u * b.v order by a.cluster_id) ** 2 / any_value(a.d * b.w) as crossed,
        sum(a.u * b.u order by a.cluster_id) as uu
    from pairs as p
    inner join scores as a on p.fit_a = a.fit_id
    inner join scores as b on p.fit_b = b.fit_id and a.block_id = b.block_id and a.cluster_id = b.cluster_id
    group by p.fit_a, p.fit_b, a.block_id
),

shared as (
    select
        fit_a,
        fit_b,
        sum(zz order by block_id) as zz,
        sum(crossed order by block_id) + sum(uu order by block_id) ** 2 / any_value(d_a * d_b) as crossed
    from blocks
    group by fit_a, fit_b
)

select
    p.* exclude (estimate_a, estimate_b, df_a, df_b, trace_a, trace_b, step_a, step_b),
    p.estimate_b - p.estimate_a as estimate,
    coalesce(s.zz, 0) * p.step_a * p.step_b as covariance,
    case
        when p.estimate_se_a ** 2 + p.estimate_se_b ** 2 > 2 * (1 + 1e-12) * covariance
            then sqrt(p.estimate_se_a ** 2 + p.estimate_se_b ** 2 - 2 * covariance)
    end as estimate_se,
    (p.trace_a + p.trace_b) ** 2
    / (p.trace_a ** 2 / p.df_a + p.trace_b ** 2 / p.df_b + 2 * coalesce(s.crossed, 0)) as df
from pairs as p
left join shared as s on p.fit_a = s.fit_a and p.fit_b = s.fit_b
order by p.fit_a, p.fit_b
