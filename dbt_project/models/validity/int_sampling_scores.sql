-- How likely each area was to be ours, given its covariates: the linear predictor of a logistic regression of being in
-- the sample on all covariates, by maximum likelihood. Null where none exists (the sites can be told apart, or the
-- covariates are collinear).
with wide as (
    select
        s.sample,
        s.area,
        s.is_in,
        list(c.value order by c.covariate_order) as x
    from {{ ref('int_population_samples') }} as s
    inner join {{ source('registry', 'population_covariates') }} as c on s.area = c.area
    group by s.sample, s.area, s.is_in
),

fitted as (
    select
        sample,
        logistic_coefficients(list(x order by area), list(is_in::int::double order by area)) as coefficients
    from wide
    group by sample
)

select
    w.sample,
    w.area,
    w.is_in,
    f.coefficients,
    f.coefficients[1] + list_dot_product(f.coefficients[2:], w.x) as score
from wide as w
inner join fitted as f on w.sample = f.sample
order by w.sample, w.area
