-- The variance of the effect between sites by each estimator that has a name, with its standard error, for every pool
-- of two sites or more. v: the sites' variances, w = 1 / v, C = sum w - sum w^2 / sum w; negative values are set to 0.
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
        (k - 1)::double as free,
        list_sum(v) as sum_v,
        list_dot_product(v, v) as sum_vv,
        spread / k as sj_start,
        greatest(0, (gq - free) / tr_p) as dl,
        greatest(0, (gq - k) / s1) as hs,
        greatest(0, spread / free - sum_v / k) as he
    from (
        select
            *,
            list_sum(list_transform(d, lambda x: (x - mean_d) ** 2)) as spread
        from (
            select
                *,
                list_avg(d) as mean_d
            from ({{ weighted_sums('pools', '0') }}) as sums
            where k >= 2
        ) as averaged
    ) as spread_out
),

sidik_jonkman as (
    select
        *,
        sj_start * gq / free as sj,
        list_dot_product(vw, vw) - 2 * list_dot_product(vww, vw) / s1 + (list_dot_product(vw, w) / s1) ** 2 as tr_pvpv,
        list_dot_product(vw, w) - 2 * list_dot_product(vw, ww) / s1
        + list_dot_product(w, w) * list_dot_product(vw, w) / s1 ** 2 as tr_ppv,
        sqrt(2 * tr_pvpv + 4 * sj * tr_ppv + 2 * sj ** 2 * tr_pp) * sj_start / free as sj_se
    from (
        select
            *,
            list_transform(list_zip(v, w), lambda p: p[1] * p[2]) as vw,
            list_transform(list_zip(v, ww), lambda p: p[1] * p[2]) as vww
        from (
            {{ weighted_sums('(
                select
                    pool_id,
                    d,
                    v,
                    free,
                    sj_start
                from fixed
            ) as starts', 'sj_start') }}
        ) as sums
    ) as products
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
        select
            pool_id,
            'pm' as method,
            tau2,
            steps,
            is_converged
        from roots
    ) as i
    inner join pools as p on i.pool_id = p.pool_id
),

closed as (
    select
        f.pool_id,
        unnest(['dl', 'hs', 'he', 'sj']) as method,
        case method when 'dl' then f.dl when 'hs' then f.hs when 'he' then f.he else s.sj end as tau2,
        case method
            when 'dl' then sqrt(2 * f.free + 4 * f.dl * f.tr_p + 2 * f.dl ** 2 * f.tr_pp) / f.tr_p
            when 'hs' then sqrt(2 * f.free + 4 * f.hs * f.tr_p + 2 * f.hs ** 2 * f.tr_pp) / f.s1
            when 'he'
                then sqrt(
                    2 * (f.sum_vv * (1 - 2 / f.k) + (f.sum_v / f.k) ** 2)
                    + 4 * f.he * f.sum_v * (1 - 1 / f.k) + 2 * f.he ** 2 * f.free
                ) / f.free
            else s.sj_se
        end as tau2_se
    from fixed as f
    inner join sidik_jonkman as s on f.pool_id = s.pool_id
)

select
    *,
    0 as steps,
    true as is_converged
from closed
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
from ({{ weighted_sums('settled', 'tau2') }}) as sums
order by pool_id, method
