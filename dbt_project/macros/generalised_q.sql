{#- The tau2 at which the generalised Q, sum (y - mu)^2 / (v + tau2), comes down to a target; 0 where it starts below.

    The target k - 1 gives Paule and Mandel's estimate (1982), which is also the empirical Bayes one (Morris 1983);
    quantiles of chi2 with k - 1 give the bounds of the Q-profile interval (Viechtbauer 2007).
    Newton's method from 0 on 1 / Q, a concave function of tau2 (Q is a sum of c / (lambda + tau2)), so that it climbs
    to the root without passing it, and at once where all v are alike:
        tau2 += (Q / target - 1) Q / sum w^2 (y - mu)^2
    Ends when a step is at most 1e-13 of tau2 + the smallest v, or after 200; has converged if the last was at most 1e-12.

    In: a relation of macro precise_first with a list `targets`. Out: pool_id, target (its number), tau2, steps,
    is_converged. -#}
{% macro generalised_q_roots(pools) %}
with recursive starts as (
    select
        pool_id,
        d,
        v,
        unnest(range(1, len(targets) + 1)) as target,
        targets[target] as aim
    from {{ pools }}
    where k >= 2
),

climbing as (
    select
        pool_id,
        target,
        0 as step,
        0::double as tau2,
        'infinity'::double as change
    from starts
    union all
    select
        pool_id,
        target,
        step + 1 as step,
        moved as tau2,
        abs(moved - tau2) / (moved + v[1]) as change
    from (
        select
            *,
            case when gq > 0 then greatest(0, tau2 + (gq / aim - 1) * gq / r2) else 0 end as moved
        from (
            {{ weighted_sums('(
                select
                    l.pool_id,
                    l.target,
                    l.step,
                    l.tau2,
                    s.aim,
                    s.d,
                    s.v
                from climbing as l
                inner join starts as s on l.pool_id = s.pool_id and l.target = s.target
                where l.change > 1e-13 and l.step < 200
            ) as moving', 'tau2') }}
        ) as sums
    ) as steps
)

select
    pool_id,
    target,
    arg_max(tau2, step) as tau2,
    max(step) as steps,
    arg_max(change, step) <= 1e-12 as is_converged
from climbing
group by pool_id, target
{% endmacro %}
