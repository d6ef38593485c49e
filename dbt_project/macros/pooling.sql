{#- The weighted mean of site effects with its standard error, by every estimator that a weighting allows.

    weights: equal_mean 1; eligible_weighted_mean the site's eligible people; fixed 1 / v; any other name is a method of
    tau2 (int_pool_tau2): 1 / (v + tau2)
    mu = sum w y / sum w
    these sites (the first two; no tau2): var = sum w^2 v / (sum w)^2, df = (sum w^2 v)^2 / sum((w^2 v)^2 / df_i)
    (Satterthwaite)
    _wald: var = 1 / sum w, normal
    _hksj: times q = sum w (y - mu)^2 / (k - 1), t with k - 1 (Hartung and Knapp 2001, Sidik and Jonkman 2002);
    _hksj_truncated: times max(1, q)

    In: pool_id, centre, d, v (macro precise_first), df as a list, weighting, w, tau2 (NULL without). Out: pool_id,
    weighting, tau2, estimator, inference, estimate, estimate_se, df, q_scale, largest_weight_pct. -#}
{% macro pooled_means(weighted) %}
with means as (
    select
        *,
        list_dot_product(w, list_transform(d, lambda x: (x - mu) ** 2)) / nullif(k - 1, 0) as q_scale,
        list_max(w) / total * 100 as largest_weight_pct,
        list_sum(parts) as variance
    from (
        select
            *,
            list_dot_product(w, d) / total as mu,
            case when kind = 'these sites' then list_transform(list_zip(w, v), lambda p: p[1] ** 2 * p[2]) end as parts
        from (
            select
                *,
                len(d) as k,
                list_sum(w) as total,
                case
                    when weighting in ('equal_mean', 'eligible_weighted_mean') then 'these sites'
                    when weighting = 'fixed' then 'fixed'
                    else 'random'
                end as kind
            from {{ weighted }}
        ) as kinds_of_weights
        where total > 0
    ) as weighted_means
),

kinds (kind, suffix) as (
    values ('these sites', ''), ('fixed', '_wald'), ('random', '_wald'), ('random', '_hksj'),
    ('random', '_hksj_truncated')
)

select
    m.pool_id,
    m.weighting,
    m.tau2,
    m.weighting || t.suffix as estimator,
    case when m.kind = 'random' then 'population_of_sites' else 'these_sites' end as inference,
    m.centre + m.mu as estimate,
    case t.suffix
        when '' then sqrt(m.variance) / m.total
        when '_wald' then sqrt(1 / m.total)
        when '_hksj' then sqrt(m.q_scale / m.total)
        else sqrt(greatest(1, m.q_scale) / m.total)
    end as estimate_se,
    case t.suffix
        when '' then m.variance ** 2 / list_sum(list_transform(list_zip(m.parts, m.df), lambda p: p[1] ** 2 / p[2]))
        when '_wald' then 'infinity'::double
        else m.k - 1
    end as df,
    m.k,
    m.q_scale,
    m.largest_weight_pct
from means as m
inner join kinds as t on m.kind = t.kind
{% endmacro %}

{#- The one estimator that an analysis' headline uses: below three sites only these sites are claimed. -#}
{% macro headline_estimator(unit, inference, site_count) -%}
    case
        when {{ unit }} = 'person_weighted' then 'eligible_weighted_mean'
        when {{ inference }} = 'these_sites' or {{ site_count }} < 3 then 'equal_mean'
        else 'reml_hksj_truncated'
    end
{%- endmacro %}
