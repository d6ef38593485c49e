-- The effect of every comparison that is adjusted, by its own estimator, in the indicator's unit and, as in
-- int_fit_effects, in standard deviations; the unadjusted difference stands beside it.
-- ancova: given baseline and covariates; did_panel: changes of the same people; did_cross_sections:
-- outcome ~ arm + wave + arm x wave, clusters over both waves; matched: weighted, from rows.
-- _cr2 where the frame has clusters, _hc2 where units are their own.
with effects as (
    select
        a.fit_id,
        case f.adjustment
            when 'difference_in_differences' then 'did_panel' when 'repeated_cross_sections' then 'did_cross_sections'
            else f.adjustment
        end || case when f.is_clustered then '_cr2' else '_hc2' end as estimator,
        a.beta * f.step as estimate,
        case
            when least(a.clusters_1, a.clusters_0) >= 2 and a.beta_se > 0 and a.df > 0 then a.beta_se * f.step
        end as estimate_se,
        a.df,
        a.clusters_1,
        a.clusters_0,
        case
            when a.beta is null and f.adjustment = 'difference_in_differences'
                then 'too few of the same people were measured in both waves and both arms'
            when a.beta is null and f.adjustment = 'repeated_cross_sections'
                then 'not every arm was measured in both waves'
            when a.beta is null then 'arms are not told apart from blocks'
            when not a.is_nested then 'no standard error: clusters reach across blocks'
            when estimate_se is null and f.adjustment = 'repeated_cross_sections' and not f.is_clustered
                then 'no standard error: needs rows or clusters'
        end as why_no_error,
        nullif(concat_ws('; ', 'left out: ' || a.dropped, f.adjustment_note), '') as adjustment_note,
        i.effect_scale,
        i.statistic,
        i.reference_sd,
        coalesce(
            1 / i.reference_sd,
            {{ hedges_correction('(f.n_treatment + f.n_control - 2)::double') }}
            / nullif(sqrt(f.variance_pooled) * f.step, 0)
        ) as scale
    from {{ ref('int_adjusted_fits') }} as a
    inner join {{ ref('int_fits') }} as f on a.fit_id = f.fit_id
    inner join {{ source('registry', 'indicators') }} as i on f.indicator = i.indicator
)

select
    * exclude (effect_scale, statistic, reference_sd, scale),
    case
        when effect_scale in ('difference', 'risk_difference') then effect_scale
        when statistic = 'share' then 'risk_difference'
        else 'difference'
    end as measure,
    true as is_own,
    null as sd_basis
from effects
union all by name
select
    * exclude (effect_scale, statistic, reference_sd, scale) replace (
        estimate * scale as estimate,
        case
            when reference_sd is not null then estimate_se * scale
            else sqrt({{
                hedges_variance('(estimate * scale)', 'scale', 'estimate_se', 'df', 'null', 'null', 'false')
            }})
        end as estimate_se
    ),
    'hedges_g' as measure,
    true as is_own,
    case when reference_sd is null then 'pooled' else 'frozen' end as sd_basis
from effects
where not ({{ is_quotient('statistic') }}) and (effect_scale = 'hedges_g' or statistic <> 'share')
order by fit_id, measure
