-- How the treated's totals of two covariates would vary together over all draws of the lot, at each site:
--   V_jk = sum over blocks of m (n - m) / (n (n - 1)) sum over the drawn c of (t_cj - mean)(t_ck - mean)
with means as (
    select distinct
        analysis,
        site,
        covariate,
        origin,
        beyond
    from {{ ref('int_baseline_draws') }}
),

block_sums as (
    select
        analysis,
        site,
        block_id,
        covariate,
        any_value(factor) as factor,
        any_value(drawn) as drawn,
        sum(t order by cluster_id, is_treated) as total
    from {{ ref('int_baseline_draws') }}
    group by analysis, site, block_id, covariate
),

block_products as (
    select
        a.analysis,
        a.site,
        a.block_id,
        a.covariate as covariate_a,
        b.covariate as covariate_b,
        sum(a.t * b.t order by a.cluster_id, a.is_treated) as products
    from {{ ref('int_baseline_draws') }} as a
    inner join {{ ref('int_baseline_draws') }} as b
        on a.analysis = b.analysis and a.site = b.site and a.block_id = b.block_id and a.cluster_id = b.cluster_id
    where a.is_drawn_by_cluster
    group by a.analysis, a.site, a.block_id, a.covariate, b.covariate
    union all
    select
        p.analysis,
        p.site,
        p.block_id,
        p.covariate_a,
        p.covariate_b,
        (
            p.products::hugeint - a.origin * p.total_b::hugeint - b.origin * p.total_a::hugeint
            + a.origin * b.origin * p.n
        )::double
        - a.beyond * (p.total_b::hugeint - b.origin * p.n)::double
        - b.beyond * (p.total_a::hugeint - a.origin * p.n)::double
        + p.n * a.beyond * b.beyond as products
    from {{ ref('int_baseline_pairs') }} as p
    inner join means as a on p.analysis = a.analysis and p.site = a.site and p.covariate_a = a.covariate
    inner join means as b on p.analysis = b.analysis and p.site = b.site and p.covariate_b = b.covariate
)

select
    a.analysis,
    a.site,
    a.covariate as covariate_a,
    b.covariate as covariate_b,
    sum(
        a.factor * (coalesce(p.products, 0) - a.total * b.total / a.drawn) order by a.block_id
    ) as v
from block_sums as a
inner join block_sums as b on a.analysis = b.analysis and a.site = b.site and a.block_id = b.block_id
left join block_products as p
    on
        a.analysis = p.analysis and a.site = p.site and a.block_id = p.block_id
        and a.covariate = p.covariate_a and b.covariate = p.covariate_b
group by a.analysis, a.site, a.covariate, b.covariate
order by a.analysis, a.site, a.covariate, b.covariate
