-- Every comparison's effect, one row per measure and estimator, in the indicator's unit or in standard deviations.
-- One estimator is the comparison's own: CR2 where the frame has clusters; HC2 where units stand alone in blocks, or
-- for rates; else the classical pooled one, with Welch's beside it. A site that sent moments without clusters may have
-- sent a cluster-robust standard error of its own, which then stands under its own name. Hedges' g is counted in the
-- indicator's frozen standard deviation where one is registered: known, so neither corrected nor adding uncertainty.
{%- set is_independent = "estimator = 'two_sample_pooled'" %}
with differences as (
    select
        r.fit_id,
        case when s.fit_id is not null then 'sent_cluster_robust' when f.is_clustered then 'cr2' else 'hc2' end
            as estimator,
        r.beta as estimate,
        coalesce(s.effect_se / f.step, case when r.is_nested then r.beta_se end) as estimate_se,
        coalesce(s.effect_df, r.df) as df,
        case when s.fit_id is null then r.clusters_1 end as clusters_1,
        case when s.fit_id is null then r.clusters_0 end as clusters_0
    from {{ ref('int_robust_fits') }} as r
    inner join {{ ref('int_fits') }} as f on r.fit_id = f.fit_id
    left join {{ ref('int_supplied_errors') }} as s on r.fit_id = s.fit_id
    where f.is_clustered or f.block_count > 1 or f.is_rate
    union all
    select
        c.*,
        f.n_treatment as clusters_1,
        f.n_control as clusters_0
    from ({{ two_sample(ref('int_fits')) }}) as c
    inner join {{ ref('int_fits') }} as f on c.fit_id = f.fit_id
    where not (f.is_clustered or f.block_count > 1 or f.is_rate or f.is_quantile)
),

supported as (
    select
        d.* exclude (estimate, estimate_se),
        d.estimate * f.step as estimate,
        case
            when
                (d.estimator = 'sent_cluster_robust' or least(d.clusters_1, d.clusters_0) >= 2)
                and d.estimate_se > 0 and d.df > 0
                then d.estimate_se * f.step
        end as estimate_se,
        d.estimator <> 'two_sample_welch' and f.adjustment = 'none' as is_own,
        i.effect_scale,
        i.statistic,
        f.n_treatment::double as n1,
        f.n_control::double as n0,
        i.reference_sd,
        coalesce(
            1 / i.reference_sd,
            {{ hedges_correction('(f.n_treatment + f.n_control - 2)::double') }}
            / nullif(sqrt(f.variance_pooled) * f.step, 0)
        ) as scale
    from differences as d
    inner join {{ ref('int_fits') }} as f on d.fit_id = f.fit_id
    inner join {{ source('registry', 'indicators') }} as i on f.indicator = i.indicator
)

select
    fit_id,
    case when statistic = 'share' and effect_scale <> 'difference' then 'risk_difference' else 'difference' end
        as measure,
    estimator,
    is_own,
    estimate,
    estimate_se,
    df,
    clusters_1,
    clusters_0,
    null as sd_basis
from supported
union all
select
    fit_id,
    'hedges_g' as measure,
    estimator,
    is_own,
    estimate * scale as g,
    case
        when reference_sd is not null then estimate_se * scale
        else sqrt({{ hedges_variance('g', 'scale', 'estimate_se', 'df', 'n1', 'n0', is_independent) }})
    end as g_se,
    df,
    clusters_1,
    clusters_0,
    case when reference_sd is null then 'pooled' else 'frozen' end as sd_basis
from supported
where
    estimator <> 'two_sample_welch'
    and not ({{ is_quotient('statistic') }})
    and (effect_scale = 'hedges_g' or statistic <> 'share')
order by fit_id, measure, estimator
