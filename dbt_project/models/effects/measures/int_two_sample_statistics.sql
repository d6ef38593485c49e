-- Everything that reference software tells of two independent groups of people who count alike, from their n, mean and
-- deviation: one row per comparison without clusters or blocks, each column by the name of its formula. What is
-- published and pooled is in int_fit_effects; these stand beside it for checking. With m = n_1 + n_0 - 2 and J exact
-- (Hedges 1981):
--   g = J d; variances LS: 1 / n_1 + 1 / n_0 + g^2 / (2 (n_1 + n_0)); UB: 1 / n_1 + 1 / n_0 + (1 - (m - 2) / (m J^2))
--   g^2; borenstein: J^2 var_d_ls; smdh (unequal deviations, Bonett 2009); smd1 (Glass: the control group's deviation);
--   rom: the log ratio of means (Hedges, Gurevitch and Curtis 1999)
with groups as (
    select
        f.fit_id,
        f.n_treatment::double as n1,
        f.n_control::double as n0,
        n1 + n0 - 2 as df,
        (f.centred_mean_treatment - f.centred_mean_control) * f.step as md,
        (f.origin::double + f.centred_mean_treatment) * f.step as mean1,
        (f.origin::double + f.centred_mean_control) * f.step as mean0,
        f.variance_treatment * f.step ** 2 as v1,
        f.variance_control * f.step ** 2 as v0,
        f.variance_pooled * f.step ** 2 as vp,
        {{ hedges_correction('df') }} as j,
        {{ hedges_correction('(n0 - 1)') }} as j0
    from {{ ref('int_fits') }} as f
    where
        not f.is_clustered
        and not f.is_rate
        and f.block_count = 1
        and f.mass_treatment = f.n_treatment::hugeint * 1000000
        and f.mass_control = f.n_control::hugeint * 1000000
        and f.variance_pooled > 0
),

effects as (
    select
        *,
        sqrt(vp) as sd_pooled,
        sqrt(vp * (1 / n1 + 1 / n0)) as se_pooled,
        sqrt(v1 / n1 + v0 / n0) as se_welch,
        (v1 / n1 + v0 / n0) ** 2 / nullif((v1 / n1) ** 2 / nullif(n1 - 1, 0) + (v0 / n0) ** 2 / nullif(n0 - 1, 0), 0)
            as df_welch,
        md / sd_pooled as cohens_d,
        j * cohens_d as g_exact,
        1 - 3 / (4 * df - 1) as j_approx,
        j * md / nullif(sqrt((v1 + v0) / 2), 0) as smdh,
        j0 * md / nullif(sqrt(v0), 0) as smd1,
        1 / n1 + 1 / n0 as inverse_n
    from groups
)

select
    fit_id,
    md,
    sd_pooled,
    df as df_pooled,
    se_pooled,
    md / se_pooled as t_pooled,
    2 * t_cdf(-abs(t_pooled), df) as p_pooled,
    se_welch,
    df_welch,
    md / nullif(se_welch, 0) as t_welch,
    2 * t_cdf(-abs(t_welch), df_welch) as p_welch,
    cohens_d,
    j as j_exact,
    j_approx,
    g_exact,
    j_approx * cohens_d as g_approx,
    inverse_n + g_exact ** 2 / (2 * (n1 + n0)) as var_g_ls,
    inverse_n + (1 - (df - 2) / (df * j ** 2)) * g_exact ** 2 as var_g_ub,
    inverse_n + cohens_d ** 2 / (2 * (n1 + n0)) as var_d_ls,
    j ** 2 * var_d_ls as var_g_borenstein,
    smdh,
    j ** 2 * (
        smdh ** 2 * (v1 ** 2 / nullif(n1 - 1, 0) + v0 ** 2 / nullif(n0 - 1, 0)) / nullif(2 * (v1 + v0) ** 2, 0)
        + (v1 / nullif(n1 - 1, 0) + v0 / nullif(n0 - 1, 0)) / nullif((v1 + v0) / 2, 0)
    ) as var_smdh,
    smd1,
    inverse_n + smd1 ** 2 / (2 * n0) as var_smd1,
    case when mean1 * mean0 > 0 then ln(mean1 / mean0) end as rom,
    case when mean1 * mean0 > 0 then v1 / (n1 * mean1 ** 2) + v0 / (n0 * mean0 ** 2) end as var_rom
from effects
order by fit_id
