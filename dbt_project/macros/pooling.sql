{#- The weighted mean of site effects and its standard error, by five named estimators, one row per pool and estimator.

    weights: equal_mean 1; eligible_weighted_mean the site's eligible people; reml_* 1 / (v + tau2)
    mu = sum w y / sum w
    these sites (no tau2): var = sum w^2 v / (sum w)^2, df = (sum w^2 v)^2 / sum((w^2 v)^2 / df_i) (Satterthwaite)
    population of sites: var = 1 / sum w, normal (reml_wald); times q = sum w (y - mu)^2 / (k - 1), t with k - 1
    (reml_hksj: Hartung and Knapp 2001, Sidik and Jonkman 2002); times max(1, q) (reml_hksj_truncated).
    Below three sites nothing is claimed about a population of sites.

    In: pool_id, lists y, v, df, eligible (NULL where unknown), tau2. Out: pool_id, estimator, inference, estimate,
    estimate_se, df, largest_weight_pct. -#}
{% macro pooled_means(pools) %}
    {%- set variances = {'reml_wald': '1', 'reml_hksj': 'q', 'reml_hksj_truncated': 'greatest(1, q)'} %}
with weighted as (
    {%- for estimator, weights in [
        ('equal_mean', 'list_transform(y, lambda x: 1.0::double)'), ('eligible_weighted_mean', 'eligible'),
        ('reml', 'list_transform(v, lambda x: 1 / (x + tau2))')
    ] %}
    select
        pool_id, y, v, df, '{{ estimator }}' as weighting, {{ weights }} as w
    from {{ pools }}
    where len(y) >= {{ 3 if estimator == 'reml' else 1 }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

means as (
    select
        *,
        len(y) as k,
        list_sum(w) as total,
        list_dot_product(w, y) / total as estimate,
        list_max(w) / total * 100 as largest_weight_pct,
        list_transform(list_zip(w, v), lambda p: p[1] ** 2 * p[2]) as parts,
        list_sum(parts) as variance,
        list_sum(list_transform(list_zip(w, y), lambda p: p[1] * (p[2] - estimate) ** 2)) / nullif(k - 1, 0) as q
    from weighted
    where w is not null
)

select
    pool_id, weighting as estimator, 'these_sites' as inference, estimate, sqrt(variance) / total as estimate_se,
    variance ** 2 / list_sum(list_transform(list_zip(parts, df), lambda p: p[1] ** 2 / p[2])) as df, largest_weight_pct
from means
where weighting <> 'reml'
    {%- for estimator, factor in variances.items() %}
union all
select
    pool_id, '{{ estimator }}', 'population_of_sites', estimate, sqrt({{ factor }} / total),
    {{ "'infinity'::double" if estimator == 'reml_wald' else '(k - 1)::double' }}, largest_weight_pct
from means
where weighting = 'reml'
    {%- endfor %}
{% endmacro %}
