{#- Between-site variance tau2 by maximum likelihood, all pools at once: restricted (reml) or full (ml).

    The score's root, from DerSimonian and Laird's estimate; with P the projection of macro weighted_sums:
        reml: score = y'PPy - tr P,   expected information = tr PP    (Viechtbauer 2005)
        ml:   score = y'PPy - sum w,  expected information = sum w^2
    Steps are Newton's, score / (2 y'PPPy - expected), where that observed information is at least a hundredth of the expected
    one, else Fisher's, score / expected. A step below 0 goes to 0 where the score at 0 is not positive, else half way.
    Ends when a step is at most 1e-13 of tau2 + the smallest v, or after 200; has converged if the last was at most 1e-12.
    One dominant site can give the likelihood a second summit at 0: then the higher of the two is the estimate,
        log likelihood = sum ln w / 2 - sum w (y - mu)^2 / 2, and for reml - ln(sum w) / 2.
    A list is summed in its order, so the result does not depend on the number of threads.

    In: a relation of macro precise_first, k >= 2 rows used. Out: pool_id, method, tau2, steps, is_converged. -#}
{% macro likelihood_tau2(pools, methods=['reml']) %}
with recursive starts as (
    select
        pool_id,
        d,
        v,
        unnest({{ methods }}) as method,
        greatest(0, (gq - (k - 1)) / tr_p) as start,
        case method when 'reml' then r2 - tr_p else r2 - s1 end > 0 as rises_at_zero
    from ({{ weighted_sums(pools, '0') }}) as fixed
    where k >= 2
),

scoring as (
    select
        pool_id,
        method,
        0 as step,
        start as tau2,
        'infinity'::double as change
    from starts
    union all
    select
        pool_id,
        method,
        step + 1 as step,
        moved as tau2,
        abs(moved - tau2) / (moved + v[1]) as change
    from (
        select
            *,
            case
                when tau2 + score / information >= 0 then tau2 + score / information
                when rises_at_zero then tau2 / 2
                else 0
            end as moved
        from (
            select
                *,
                case when observed > 0.01 * expected then observed else expected end as information
            from (
                select
                    *,
                    case method when 'reml' then r2 - tr_p else r2 - s1 end as score,
                    case method when 'reml' then tr_pp else list_dot_product(w, w) end as expected,
                    2 * (
                        list_dot_product(ww, list_transform(list_zip(w, rr), lambda p: p[1] * p[2]))
                        - (list_dot_product(ww, d) - mu * list_dot_product(w, w)) ** 2 / s1
                    ) - expected as observed
                from (
                    {{ weighted_sums('(
                        select
                            l.pool_id,
                            l.method,
                            l.step,
                            l.tau2,
                            s.rises_at_zero,
                            s.d,
                            s.v
                        from scoring as l
                        inner join starts as s on l.pool_id = s.pool_id and l.method = s.method
                        where l.change > 1e-13 and l.step < 200
                    ) as moving', 'tau2') }}
                ) as sums
            ) as scores
        ) as informed
    ) as steps
),

summits as (
    select
        pool_id,
        method,
        arg_max(tau2, step) as tau2,
        max(step) as steps,
        arg_max(change, step) <= 1e-12 as is_converged
    from scoring
    group by pool_id, method
),

lower_summits as (
    select
        pool_id,
        method
    from (
        select
            *,
            list_sum(list_transform(w, lambda x: ln(x))) - gq - case method when 'reml' then ln(s1) else 0 end
                as twice_log_likelihood
        from (
            {{ weighted_sums('(
                select
                    t.pool_id,
                    t.method,
                    s.d,
                    s.v,
                    unnest([0, t.tau2]) as at_tau2
                from summits as t
                inner join starts as s on t.pool_id = s.pool_id and t.method = s.method
                where t.tau2 > 0 and not s.rises_at_zero
            ) as candidates', 'at_tau2') }}
        ) as sums
    ) as likelihoods
    group by pool_id, method
    having arg_max(at_tau2, twice_log_likelihood) = 0
)

select
    t.pool_id,
    t.method,
    case when l.pool_id is null then t.tau2 else 0 end as tau2,
    t.steps,
    t.is_converged
from summits as t
left join lower_summits as l on t.pool_id = l.pool_id and t.method = l.method
{% endmacro %}
