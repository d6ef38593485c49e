-- The variance of the effect between sites by each estimator that has a name, with its standard error, for every pool
-- of two sites or more. v are the sites' variances, w = 1 / v, C = sum w - sum w^2 / sum w; negative values are set to 0.
--     dl (DerSimonian and Laird)  (Q - (k - 1)) / C                hs (Hunter and Schmidt)  (Q - k) / sum w
--     he (Hedges and Olkin)       var(y) - mean(v)
--     sj (Sidik and Jonkman)      t0 sum w0 (y - mu0)^2 / (k - 1), w0 = 1 / (v + t0), t0 = sum (y - mean y)^2 / k
--     pm (Paule and Mandel; the empirical Bayes estimate is the same root), ml, reml: macros, by iteration
-- Standard errors after Viechtbauer (2005, 2007); for pm that of the empirical Bayes estimate.
with pools as ({{ precise_first(ref('int_pools')) }}),

targeted as (
    select
        *,
        [k - 1]::double[] as targets
    from pools
),

iterated as (
    {{ likelihood_tau2('pools', ['reml', 'ml']) }}
),

roots as (
    {{ generalised_q_roots('targeted') }}
),

fixed as (
    select
        *,
        {{ weighted_sums('0') }},
        list_sum(v) as sum_v,
        list_dot_product(v, v) as sum_vv,
        list_sum(list_transform(d, lambda x: (x - list_avg(d)) ** 2)) as spread,
        gq as q,
        s1 as total,
        tr_p as c,
        tr_pp as cc
    from pools
    where k >= 2
),

sidik_jonkman as (
    select
        *,
        list_transform(list_zip(v, w), lambda p: p[1] * p[2]) as vw,
        (k - 1)::double as free,
        start * gq / free as tau2,
        list_dot_product(vw, vw) - 2 * list_dot_product(list_transform(vw, lambda x: x * x), w) / s1
        + (list_dot_product(vw, w) / s1) ** 2 as tr_pvpv,
        list_dot_product(vw, w) - 2 * list_dot_product(vw, ww) / s1
        + list_dot_product(w, w) * list_dot_product(vw, w) / s1 ** 2 as tr_ppv,
        start / free * sqrt(2 * tr_pvpv + 4 * tau2 * tr_ppv + 2 * tau2 ** 2 * tr_pp) as tau2_se
    from (
        select
            pool_id,
            k,
            d,
            v,
            start,
            {{ weighted_sums('start') }}
        from (select pool_id, k, d, v, spread / k as start from fixed)
    )
),

settled as (
    select
        i.*,
        p.k,
        p.d,
        p.v
    from (
        from iterated
        union all
        select pool_id, 'pm', tau2, steps, is_converged from roots
    ) as i
    inner join pools as p on i.pool_id = p.pool_id
)

select
    pool_id,
    'dl' as method,
    greatest(0, (q - (k - 1)) / c) as tau2,
    sqrt(2 * (k - 1) + 4 * tau2 * c + 2 * tau2 ** 2 * cc) / c as tau2_se,
    0 as steps,
    true as is_converged
from fixed
union all
select
    pool_id,
    'hs',
    greatest(0, (q - k) / total) as tau2,
    sqrt(2 * (k - 1) + 4 * tau2 * c + 2 * tau2 ** 2 * cc) / total,
    0,
    true
from fixed
union all
select
    pool_id,
    'he',
    greatest(0, spread / (k - 1) - sum_v / k) as tau2,
    sqrt(
        2 * (sum_vv * (1 - 2 / k) + (sum_v / k) ** 2) + 4 * tau2 * sum_v * (1 - 1 / k) + 2 * tau2 ** 2 * (k - 1)
    ) / (k - 1),
    0,
    true
from fixed
union all
select
    pool_id,
    'sj',
    tau2,
    tau2_se,
    0,
    true
from sidik_jonkman
union all
select
    pool_id,
    method,
    tau2,
    case method
        when 'reml' then sqrt(2 / tr_pp)
        when 'ml' then sqrt(2 / list_dot_product(w, w))
        else sqrt(2 / (k - 1)) * k / s1
    end as tau2_se,
    steps,
    is_converged
from (
    select
        *,
        {{ weighted_sums('tau2') }}
    from settled
)
order by pool_id, method
