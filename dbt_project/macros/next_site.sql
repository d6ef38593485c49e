{#- The share of new sites whose effect passes a bar, for pools of ten sites or more, tau2 not taken as known.

    Given tau, the next site's effect is normal about mu(tau) with variance tau^2 + 1 / sum w. The result averages
    1 - Phi((bar - mu) / sqrt(tau^2 + 1 / sum w)) over tau with the restricted likelihood, flat in tau and in mu (the
    uniform prior of Gelman 2006). By the midpoint rule in the angle a, tau = scale tan a, 0 < a < pi / 2, scale^2 = tau2
    (REML) + typical v, on 64 nodes, or 8 for each root of a site where that is more: the integrand is even at 0 and falls
    to nothing at the end, so the rule converges faster than any power of the number of nodes. No draws.

    In: pool_id, k, centre, d, v (macro precise_first), scale, sign (1 or -1) and bars, a list on the oriented scale.
    Out: pool_id, passes: the share above each bar, a list as long as bars. -#}
{% macro next_site(pools) %}
with nodes as (
    select
        *,
        scale * angle as tau
    from (
        select
            *,
            tan(pi() / 2 * (node - 0.5) / nodes) as angle
        from (
            select
                *,
                greatest(64, 8 * ceil(sqrt(k)))::bigint as nodes,
                unnest(range(1, nodes + 1)) as node
            from {{ pools }}
        ) as numbered
    ) as turned
),

likelihoods as (
    select
        *,
        (list_sum(list_transform(w, lambda x: ln(x))) - ln(s1) - gq) / 2 + ln(1 + angle ** 2) as log_weight,
        sqrt(tau ** 2 + 1 / s1) as spread
    from ({{ weighted_sums('nodes', 'tau ** 2') }}) as sums
),

weighted as (
    select
        pool_id,
        node,
        exp(log_weight - max(log_weight) over (partition by pool_id)) as weight,
        list_transform(bars, lambda bar: (sign * (centre + mu) - bar) / spread) as above
    from likelihoods
),

shares as (
    select
        pool_id,
        node,
        weight,
        place,
        normal_cdf(above[place]) as share
    from (
        select
            *,
            unnest(range(1, len(above) + 1)) as place
        from weighted
    ) as placed
)

select
    pool_id,
    list(share order by place) as passes
from (
    select
        pool_id,
        place,
        sum(weight * share order by node) / sum(weight order by node) as share
    from shares
    group by pool_id, place
) as averages
group by pool_id
{% endmacro %}
