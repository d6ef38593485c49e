{#- Pools made ready for sums that lose no digits: effects as deviations from the most precise site's.

    The lists come in order of precision (int_pools), so w[1] is the largest of all weights 1 / (v + tau2) whatever tau2
    is: offsets of any size fall out before anything is multiplied, and what a dominant site nearly cancels is summed
    over the others alone (macro weighted_sums).

    In: pool_id, y and v as lists of one site or more, v ascending. Out: pool_id, k, centre, d = y - centre, v. -#}
{% macro precise_first(pools) %}
select
    pool_id,
    len(y) as k,
    y[1] as centre,
    list_transform(y, lambda x: x - centre) as d,
    v
from {{ pools }}
where len(y) >= 1
{% endmacro %}

{#- Sums over pools whose sites are ordered by precision, for weights w = 1 / (v + tau2): the rows with more columns,
    w, ww, s1 = sum w, mu = sum w d / s1, rr = (d - mu)^2, gq = sum w rr (the generalised Q), r2 = sum w^2 rr, and of
    P = W - w w' / s1 the traces tr_p = tr P and tr_pp = tr PP, from the heaviest weight and the sums u_j of the others'
    powers, in which no large numbers cancel:
        tr P  = w1 u1 / s1 + u1 - u2 / s1
        tr PP = (w1 u1 / s1)^2 + 2 (w1 / s1)^2 u2 + u2 - 2 u3 / s1 + (u2 / s1)^2
    Selects lie in one another since an alias used in the select that names it is reckoned anew at every use.

    In: rows with d and v, and tau2, an expression over them. Out: a select. -#}
{% macro weighted_sums(rows, tau2) %}
select
    *,
    list_dot_product(w, rr) as gq,
    list_dot_product(ww, rr) as r2,
    w[1] * u1 / s1 + u1 - u2 / s1 as tr_p,
    (w[1] * u1 / s1) ** 2 + 2 * (w[1] / s1) ** 2 * u2 + u2 - 2 * u3 / s1 + (u2 / s1) ** 2 as tr_pp
from (
    select
        *,
        list_transform(d, lambda x: (x - mu) ** 2) as rr
    from (
        select
            *,
            list_dot_product(w, d) / s1 as mu,
            coalesce(list_sum(w[2:]), 0) as u1,
            coalesce(list_sum(ww[2:]), 0) as u2,
            list_dot_product(w[2:], ww[2:]) as u3
        from (
            select
                *,
                list_sum(w) as s1,
                list_transform(w, lambda x: x * x) as ww
            from (
                select
                    *,
                    list_transform(v, lambda x: 1 / (x + {{ tau2 }})) as w
                from {{ rows }}
            ) as weighted
        ) as summed
    ) as centred
) as squared
{% endmacro %}
