{#- Difference of two independent means, by Student's pooled and by Welch's standard error.

    pooled: s^2 = (M2_1 + M2_0) / (n_1 + n_0 - 2), var = s^2 (1/W_1 + 1/W_0), df = n_1 + n_0 - 2
    Welch:  var = v_1 + v_0 with v_a = M2_a / (n_a - 1) / W_a, df = (v_1 + v_0)^2 / sum(v_a^2 / (n_a - 1))
    W is the sum of weights, n where there are none; weighted, both take the variance as inverse to the weight, which
    sampling weights only approximate. M2 is the (weighted) sum of squares around the arm's mean.

    In: a relation like int_fits (steps of the indicator). Out: fit_id, estimator, estimate, estimate_se, df. -#}
{% macro two_sample(fits) %}
with spreads as (
    select
        fit_id,
        centred_mean_treatment - centred_mean_control as estimate,
        n_treatment - 1 as df1,
        n_control - 1 as df0,
        mass_treatment::double as w1,
        mass_control::double as w0,
        m2_treatment as m1,
        m2_control as m0,
        m1 / nullif(df1, 0) / w1 as v1,
        m0 / nullif(df0, 0) / w0 as v0
    from {{ fits }}
    where n_treatment > 0 and n_control > 0
)

select
    fit_id,
    'two_sample_pooled' as estimator,
    estimate,
    sqrt((m1 + m0) / nullif(df1 + df0, 0) * (1 / w1 + 1 / w0)) as estimate_se,
    (df1 + df0)::double as df
from spreads
union all
select
    fit_id,
    'two_sample_welch' as estimator,
    estimate,
    sqrt(v1 + v0) as estimate_se,
    (v1 + v0) ** 2 / nullif(v1 ** 2 / df1 + v0 ** 2 / df0, 0) as df
from spreads
{% endmacro %}
