-- noqa: disable=LT09
-- Whether effects differ between the levels of a subgroup dimension: at each site (or in the network), and pooled over
-- the sites by the headline's own estimator. A dimension of two levels has one test; one of more has a joint test of
-- all of them, and each level against the first without a p-value adjusted for others.
--     joint: Q = c' V^-1 c over the levels' differences from the first, F = Q (eta - q + 1) / (eta q) on
--     q and eta - q + 1 degrees of freedom (Hotelling's form, Pustejovsky and Tipton 2018), eta the least of their own
-- P-values are adjusted over the indicators and dimensions tested in one analysis and wave at one place.
{%- set place = 'analysis, indicator, wave, site, stage, dimension' %}
with first_levels as (
    select
        *,
        count(*) over (partition by {{ place }}) as q
    from (
        select
            *,
            min(level_a) over (partition by {{ place }}) as first_level
        from {{ ref('int_subgroup_differences') }}
    ) as differences
    where level_a = first_level
),

-- rows and columns of V are the levels in their order; where one has no error, none of V is told
covariances as (
    select
        j.analysis, j.indicator, j.wave, j.site, j.stage, j.dimension,
        list(
            case
                when j.level_b = k.level_b then j.estimate_se ** 2
                else coalesce(m.covariance, n.covariance) - j.covariance - k.covariance + j.estimate_se_a ** 2
            end
            order by j.level_b, k.level_b
        ) as v
    from first_levels as j
    inner join first_levels as k using ({{ place }})
    left join {{ ref('int_subgroup_differences') }} as m on j.fit_b = m.fit_a and k.fit_b = m.fit_b
    left join {{ ref('int_subgroup_differences') }} as n on j.fit_b = n.fit_b and k.fit_b = n.fit_a
    where j.q > 1
    group by all
),

joint as (
    select
        {{ place }},
        list(estimate order by level_b) as c,
        min(df) as eta,
        bool_and(estimate_se is not null) as is_complete,
        case when bool_or(is_clustered) then 'interaction_cr2' else 'interaction_hc2' end as estimator,
        min(n_treatment) as n_treatment,
        min(n_control) as n_control
    from first_levels
    where q > 1
    group by all
),

joint_tests as (
    select
        j.* exclude (c, eta, is_complete),
        case when j.is_complete then quadratic_form(j.c, v.v) end as found,
        found[2] as test_df1,
        j.eta - found[2] + 1 as test_df2,
        case when test_df2 > 0 then found[1] * test_df2 / (j.eta * found[2]) end as test_f
    from joint as j
    inner join covariances as v using ({{ place }})
),

pooled as (
    select
        p.*,
        '*' as site,
        not p.design_group = 'non_randomised' as is_randomised
    from {{ ref('int_pooled_effects') }} as p
    inner join {{ ref('int_pooled_effects') }} as h
        on
            p.analysis = h.analysis and p.indicator = h.indicator and p.wave = h.wave and p.stage = h.stage
            and p.design_group = h.design_group and p.estimator = h.estimator
    where p.measure = 'interaction' and h.is_headline and h.dimension = 'all'
),

tests as (
    select
        e.analysis, e.indicator, e.wave, e.site, e.stage, 'one comparison' as design_group,
        e.dimension, e.level, e.estimator,
        e.estimate, e.estimate_se, e.df, null as test_f, null as test_df1, null as test_df2,
        2 * t_cdf(-abs(e.estimate / e.estimate_se), e.df) as p_value,
        coalesce(f.q, 1) = 1 as is_tested,
        e.n_treatment, e.n_control, e.why_no_error as why_missing
    from {{ ref('int_interaction_effects') }} as e
    left join (select distinct {{ place }}, q from first_levels) as f using ({{ place }})
    union all by name
    select
        {{ place }}, 'one comparison' as design_group, 'any' as level, estimator, test_f, test_df1, test_df2,
        f_tail(test_f, test_df1, test_df2) as p_value, true as is_tested, n_treatment, n_control,
        case
            when test_f is null then 'a level has no standard error, or there are too few clusters for a joint test'
        end as why_missing
    from joint_tests
    union all by name
    select
        analysis, indicator, wave, site, stage, design_group, dimension, level, estimator, estimate, estimate_se, df,
        2 * t_cdf(-abs(estimate / estimate_se), df) as p_value,
        count(*) over (partition by analysis, indicator, wave, stage, design_group, dimension) = 1 as is_tested,
        why_missing
    from pooled
),

families as (
    select
        *,
        list(p_value) filter (where is_tested and p_value is not null) over (
            partition by analysis, wave, site, stage, design_group
        ) as family
    from tests
)

select
    * exclude (family),
    estimate - t_quantile(0.975, df) * estimate_se as estimate_low,
    estimate + t_quantile(0.975, df) * estimate_se as estimate_high,
    case when is_tested and p_value is not null then len(family) end as family_count,
    case when is_tested and p_value is not null then {{ holm('p_value', 'family') }} end as p_holm,
    case when is_tested and p_value is not null then {{ benjamini_hochberg('p_value', 'family') }} end as p_bh
from families
order by analysis, indicator, wave, site, stage, design_group, dimension, level
