-- One test of balance for all covariates together: could the lot have drawn arms as unlike as these? Hansen and Bowers
-- (2008): d^2 = D' V^+ D against chi squared with the rank of V, D_j = sum over blocks and the drawn c of
-- (Z_c - m / n) t_cj and V its covariance over all draws. Every site adds its own D and V.
with block_sums as (
    select
        analysis,
        site,
        block_id,
        covariate,
        sum((is_treated::int - treated / drawn) * t order by cluster_id, is_treated) as d
    from {{ ref('int_baseline_draws') }}
    group by analysis, site, block_id, covariate
),

group_d as (
    select
        g.group_id,
        b.covariate,
        sum(b.d order by b.site, b.block_id) as d
    from {{ ref('int_baseline_groups') }} as g
    inner join block_sums as b on g.analysis = b.analysis and g.member = b.site
    group by g.group_id, b.covariate
),

-- A pair of covariates that no site knows together varies together nowhere: zero.
group_v as (
    select
        a.group_id,
        a.covariate as covariate_a,
        b.covariate as covariate_b,
        coalesce(sum(c.v order by c.site), 0) as v
    from group_d as a
    inner join group_d as b on a.group_id = b.group_id
    inner join {{ ref('int_baseline_groups') }} as g on a.group_id = g.group_id
    left join {{ ref('int_baseline_covariances') }} as c
        on g.analysis = c.analysis and g.member = c.site and a.covariate = c.covariate_a and b.covariate = c.covariate_b
    group by a.group_id, a.covariate, b.covariate
),

forms as (
    select
        d.group_id,
        count(*) as covariate_count,
        quadratic_form(list(d.d order by d.covariate), any_value(v.vs)) as form
    from group_d as d
    inner join (
        select
            group_id,
            list(v order by covariate_a, covariate_b) as vs
        from group_v
        group by group_id
    ) as v on d.group_id = v.group_id
    group by d.group_id
),

drawn as (
    select
        g.group_id,
        sum(z.drawn)::bigint as drawn_count,
        (sum(z.drawn) - count(*))::bigint as free_count
    from {{ ref('int_baseline_groups') }} as g
    inner join (
        select distinct
            analysis,
            site,
            block_id,
            drawn
        from {{ ref('int_baseline_draws') }}
    ) as z on g.analysis = z.analysis and g.member = z.site
    group by g.group_id
)

select
    f.group_id,
    f.covariate_count,
    d.drawn_count,
    f.form[1] as statistic,
    f.form[2] as df,
    case when d.free_count > 2 * f.form[2] then 1 - chi2_cdf(f.form[1], f.form[2]) end as p_value,
    case
        when f.form is null then 'constant'
        when d.free_count <= 2 * f.form[2] then 'too_few_clusters'
        else 'measured'
    end as state,
    case state
        when 'constant' then 'all who were drawn were alike at baseline'
        when 'too_few_clusters' then 'fewer than two draws to a covariate: chi squared does not hold'
    end as reason
from forms as f
inner join drawn as d on f.group_id = d.group_id
order by f.group_id
