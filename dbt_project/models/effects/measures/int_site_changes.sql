-- Change (pre_post) or level (post_only) at sites whose design identifies no effect, with CR2 standard error and
-- Bell-McCaffrey degrees of freedom of one mean, W_c and S_c a cluster's mass and residual sum, h_c = 1 - W_c / W:
--     var = sum S_c^2 / (W^2 h_c);  d_c = W_c / (W^2 h_c), p_c = W_c / (W^1.5 h_c^0.5)
--     df = sum(d_c - p_c^2)^2 / (sum(d_c^2 - 2 d_c p_c^2) + (sum p_c^2)^2)
-- and the breakdown value: the counterfactual change at which no more than the registered margin of the pilot's effect
-- is kept, change - margin * pilot effect, its error from both.
{%- set key = 'analysis, indicator, wave, site' %}
with totals as (
    select
        {{ key }},
        sum(n)::bigint as n,
        sum(measured_count)::bigint as measured_count,
        count(*) filter (where has_cluster and n > 0) as cluster_count,
        sum(mass) as mass,
        sum(total) as total,
        round(sum(total)::double / nullif(sum(mass), 0)::double)::decimal(38, 0)::hugeint as origin,
        (sum(total) - origin * sum(mass))::double / nullif(sum(mass), 0)::double as centred_mean
    from {{ ref('int_change_clusters') }}
    group by {{ key }}
),

clusters as (
    select
        {{ key }},
        c.cluster_id,
        c.mass::double / t.mass::double as share,
        1 - share as h,
        ((c.total - t.origin * c.mass)::double - t.centred_mean * c.mass::double) / t.mass::double as residual,
        share / t.mass::double / nullif(h, 0) as d,
        share * share / t.mass::double / nullif(h, 0) as pp
    from {{ ref('int_change_clusters') }} as c
    inner join totals as t using ({{ key }})
    where c.n > 0
),

errors as (
    select
        {{ key }},
        sqrt(sum(residual ** 2 / nullif(h, 0) order by cluster_id)) as mean_se,
        sum(d - pp order by cluster_id) ** 2 / nullif(
            sum(d * d - 2 * d * pp order by cluster_id) + sum(pp order by cluster_id) ** 2, 0
        ) as df,
        count(*) as cluster_rows
    from clusters
    group by {{ key }}
),

pilots as (
    select
        analysis,
        indicator,
        wave,
        estimate,
        estimate_se,
        df
    from {{ ref('int_pooled_effects') }}
    where is_headline and stage = 'pilot' and dimension = 'all'
    union all
    select
        analysis,
        indicator,
        wave,
        estimate,
        estimate_se,
        df
    from {{ ref('int_site_effects') }}
    where is_headline and stage = 'pilot' and dimension = 'all' and site = 'network'
),

measured as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.site,
        s.stage,
        s.basis,
        s.state as site_state,
        s.reason,
        s.is_admitted,
        r.design,
        case when r.design = 'pre_post' then 'change' else 'level' end as measure,
        {{ unit_per_step('i.statistic', 'i.resolution') }} as step,
        (t.origin::double + t.centred_mean) * step as estimate,
        e.cluster_rows >= 2 and e.mean_se > 0 and e.df > 0 as has_error,
        case when has_error then e.mean_se * step end as estimate_se,
        case when has_error then e.df end as df,
        t.n,
        t.measured_count,
        t.cluster_count,
        i.retention_margin as margin,
        case when i.direction = 'higher_is_better' then 1 else -1 end as sense,
        case
            when i.effect_scale in ('difference', 'risk_difference') then 1
            when i.effect_scale = 'hedges_g' then i.reference_sd
        end as unit_of_pilot,
        p.estimate * unit_of_pilot as pilot_effect,
        p.estimate_se * unit_of_pilot as pilot_se,
        p.df as pilot_df
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'sites') }} as r on s.site = r.site
    inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
    inner join {{ source('registry', 'waves') }} as w on s.wave = w.wave
    left join totals as t
        on s.analysis = t.analysis and s.indicator = t.indicator and s.wave = t.wave and s.site = t.site
    left join errors as e
        on s.analysis = e.analysis and s.indicator = e.indicator and s.wave = e.wave and s.site = e.site
    left join pilots as p on s.analysis = p.analysis and s.indicator = p.indicator and s.wave = p.wave
    where r.design in ('pre_post', 'post_only') and (r.design = 'post_only' or not w.is_baseline)
)

select
    * exclude (site_state, reason, is_admitted, step, sense, unit_of_pilot, measured_count, has_error),
    estimate - t_quantile(0.975, df) * estimate_se as estimate_low,
    estimate + t_quantile(0.975, df) * estimate_se as estimate_high,
    case
        when measure = 'change' and stage = 'scaled' and sense * pilot_effect > 0
            then estimate - margin * pilot_effect
    end as breakdown,
    case when breakdown is not null then sqrt(estimate_se ** 2 + (margin * pilot_se) ** 2) end as breakdown_se,
    breakdown_se ** 4 / (estimate_se ** 4 / df + (margin * pilot_se) ** 4 / pilot_df) as breakdown_df,
    breakdown - t_quantile(0.975, breakdown_df) * breakdown_se as breakdown_low,
    breakdown + t_quantile(0.975, breakdown_df) * breakdown_se as breakdown_high,
    case
        when site_state <> 'not_identified' then site_state
        when not is_admitted then 'withheld'
        when basis <> 'rows' then 'needs_rows'
        when estimate is null then 'no_data'
        when estimate_se is null then 'no_standard_error'
        when df < 4 then 'too_few_clusters'
        else 'estimated'
    end as state,
    case state
        when 'withheld' then coalesce(case when site_state = 'withheld' then reason end, 'the gates withheld this cell')
        when 'needs_rows' then 'needs rows: this site sent ' || basis || ' only'
        when 'no_data'
            then
                case
                    when site_state = 'no_data' then reason
                    when measured_count > 0 then 'no unit was measured at the baseline too, or a quotient has no change'
                    when measure = 'change' then 'no unit was measured, or its baseline was not admitted'
                    else 'no unit was measured'
                end
        when 'no_standard_error' then 'no standard error: fewer than two clusters or people, or no variation'
        when 'too_few_clusters' then 'fewer than four degrees of freedom'
        when 'estimated' then null
        else reason
    end as why_missing,
    case
        when breakdown is not null then null
        when measure = 'level' then 'a level has no change to break down'
        when stage <> 'scaled' then 'not a scaled site'
        when unit_of_pilot is null then 'the pilot''s effect is not on the indicator''s own scale'
        when pilot_effect is null then 'no pilot effect to retain'
        when sense * pilot_effect <= 0 then 'the pilot has no effect in the registered direction'
        else 'no change was measured'
    end as why_no_breakdown
from measured
order by analysis, indicator, wave, site
