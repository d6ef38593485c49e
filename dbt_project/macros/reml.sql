{#- Between-site variance tau2 by restricted maximum likelihood (Viechtbauer 2005), all pools at once.

    Fisher scoring from DerSimonian and Laird's estimate, negative values set to 0:
        tau2 += (sum w^2 (y - mu)^2 - (s1 - s2 / s1)) / (s2 - 2 s3 / s1 + s2^2 / s1^2)
    with w = 1 / (v + tau2), s_j = sum w^j, mu = sum w y / s1; until a step is below 1e-14 of tau2 + the smallest v,
    or for 200 steps. A list is summed in its order, so the result does not depend on the number of threads.

    In: pool_id, y and v as lists of two sites or more. Out: pool_id, tau2, steps. -#}
{% macro reml(pools) %}
with recursive starts as (
    select
        pool_id,
        y,
        v,
        list_min(v) as v_min,
        list_transform(v, lambda x: 1 / x) as fixed_w,
        list_sum(fixed_w) as total,
        list_dot_product(fixed_w, y) / total as fixed_mu,
        list_sum(list_transform(list_zip(fixed_w, y), lambda p: p[1] * (p[2] - fixed_mu) ** 2)) as q,
        greatest(0, (q - (len(y) - 1)) / (total - list_dot_product(fixed_w, fixed_w) / total)) as start
    from {{ pools }}
    where len(y) >= 2
),

scoring as (
    select
        pool_id,
        0 as step,
        start as tau2,
        true as is_moving
    from starts
    union all
    select
        pool_id,
        step + 1 as step,
        greatest(0, tau2 + (r2 - (s1 - s2 / s1)) / (s2 - 2 * s3 / s1 + (s2 / s1) ** 2)) as next_tau2,
        abs(next_tau2 - tau2) > 1e-14 * (next_tau2 + v_min) as is_moving
    from (
        select
            l.pool_id,
            l.step,
            l.tau2,
            s.v_min,
            list_transform(s.v, lambda x: 1 / (x + l.tau2)) as w,
            list_transform(w, lambda x: x * x) as ww,
            list_sum(w) as s1,
            list_sum(ww) as s2,
            list_dot_product(w, ww) as s3,
            list_dot_product(w, s.y) / s1 as mu,
            list_sum(list_transform(list_zip(ww, s.y), lambda p: p[1] * (p[2] - mu) ** 2)) as r2
        from scoring as l
        inner join starts as s on l.pool_id = s.pool_id
        where l.is_moving and l.step < 200
    )
)

select
    pool_id,
    arg_max(tau2, step) as tau2,
    max(step) as steps
from scoring
group by pool_id
{% endmacro %}
