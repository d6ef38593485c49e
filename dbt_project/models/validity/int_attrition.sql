-- How many of those assigned were lost, how differently by arm, and on which side of the WWC boundary that lies.
--   differential = p1 - p0; unpooled: se^2 = p1 q1 / n1 + p0 q0 / n0, normal; pooled: se^2 = p q (1 / n1 + 1 / n0)
--   clusters: CR2 with Bell-McCaffrey degrees of freedom, missing taken as the outcome
-- The boundary is looked up at the overall percentage, halves rounded up, and compared in whole numbers.
with robust as (
    {{ cluster_robust(ref('int_attrition_clusters')) }}
),

boundary (overall_pct, cautious_tenths, optimistic_tenths) as (
    {{ attrition_boundary() }}
),

rates as (
    select
        *,
        n_treatment + n_control as n,
        missing_treatment + missing_control as missing,
        missing_treatment / nullif(n_treatment, 0) as attrition_treatment,
        missing_control / nullif(n_control, 0) as attrition_control,
        missing / n as attrition_overall,
        attrition_treatment - attrition_control as differential,
        sqrt(
            attrition_treatment * (1 - attrition_treatment) / n_treatment
            + attrition_control * (1 - attrition_control) / n_control
        ) as se_unpooled,
        sqrt(attrition_overall * (1 - attrition_overall) * (1 / n_treatment + 1 / n_control)) as se_pooled,
        (200 * missing::hugeint + n) // (2 * n) as overall_pct,
        abs(missing_treatment::hugeint * n_control - missing_control::hugeint * n_treatment) * 1000 as gap,
        n_treatment::hugeint * n_control as per
    from {{ ref('int_attrition_groups') }}
),

errors as (
    select
        r.*,
        b.cautious_tenths / 10 as boundary_cautious_pp,
        b.optimistic_tenths / 10 as boundary_optimistic_pp,
        case
            when r.n_treatment = 0 or r.n_control = 0 then null
            when r.gap <= b.cautious_tenths * r.per then 'low_cautious'
            when r.gap <= b.optimistic_tenths * r.per then 'low_optimistic'
            else 'high'
        end as band,
        c.beta_se as se_cr2_raw,
        c.df as df_cr2_raw,
        c.clusters_1 as clusters_treatment,
        c.clusters_0 as clusters_control,
        c.is_nested and least(c.clusters_1, c.clusters_0) >= 2 and c.beta_se > 0 and c.df > 0 as has_cr2
    from rates as r
    left join boundary as b on r.overall_pct = b.overall_pct
    left join robust as c on r.group_id = c.fit_id
)

select
    * exclude (gap, per, se_cr2_raw, df_cr2_raw, has_cr2),
    differential / nullif(se_unpooled, 0) as z,
    differential / nullif(se_pooled, 0) as z_pooled,
    differential - normal_quantile(0.975) * se_unpooled as low_unpooled,
    differential + normal_quantile(0.975) * se_unpooled as high_unpooled,
    case when has_cr2 then se_cr2_raw end as se_cr2,
    case when has_cr2 then df_cr2_raw end as df_cr2,
    differential - t_quantile(0.975, df_cr2) * se_cr2 as low_cr2,
    differential + t_quantile(0.975, df_cr2) * se_cr2 as high_cr2,
    case
        when n_treatment = 0 or n_control = 0 then 'no_data'
        when is_derived then 'derived_frame'
        when missing in (0, n) then 'constant'
        when is_clustered and has_cr2 is not true then 'no_standard_error'
        when is_clustered and df_cr2_raw < 4 then 'too_few_clusters'
        else 'measured'
    end as state,
    case state
        when 'no_data' then 'nobody was assigned to one of the arms'
        when 'derived_frame'
            then 'the frame is derived from those first seen: who was lost between assignment and then is not counted'
        when 'constant' then case when missing = 0 then 'nobody was lost' else 'nobody was measured' end
        when 'no_standard_error' then 'fewer than two clusters in an arm, or clusters that do not differ'
        when 'too_few_clusters' then 'fewer than four degrees of freedom'
    end as reason
from errors
order by group_id
