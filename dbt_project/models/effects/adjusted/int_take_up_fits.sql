-- First stage and effect of what was taken up (Wald): the difference in outcome over that in take-up, both given
-- blocks. With tau = beta_outcome / beta_take_up, the ratio is the difference of means of the outcome
--     tau * treated + (y - tau d) / beta_take_up
-- whose residuals are those of two-stage least squares over the first stage, so macro cluster_robust gives its CR2
-- (HC2) standard error, which takes the first stage as it is found: an F below 10 bars it (Stock and Yogo 2005).
with take_up as (
    select
        fit_id,
        block_id,
        cluster_id,
        unit_arm,
        multiplicity,
        mass_1,
        mass_0,
        taken_1 as total_1,
        taken_0 as total_0,
        weight_sum,
        taken_1 + taken_0 as cross_sum,
        taken_squares as squares,
        mass_1 + mass_0 as mass_squares
    from {{ ref('int_take_up_cells') }}
),

outcomes as (
    select
        fit_id,
        block_id,
        cluster_id,
        unit_arm,
        multiplicity,
        mass_1,
        mass_0,
        total_1,
        total_0,
        weight_sum,
        total_1 + total_0 as cross_sum,
        squares,
        mass_1 + mass_0 as mass_squares
    from {{ ref('int_take_up_cells') }}
),

first_stages as ({{ cluster_robust('take_up') }}),

reduced_forms as ({{ cluster_robust('outcomes') }}),

ratios as (
    select
        t.fit_id,
        t.beta as taken,
        t.beta_se as taken_se,
        o.beta / t.beta as tau
    from first_stages as t
    inner join reduced_forms as o on t.fit_id = o.fit_id
    where abs(t.beta) > 1e-9
),

residuals as (
    select
        c.fit_id,
        c.block_id,
        c.cluster_id,
        c.unit_arm,
        c.multiplicity,
        c.mass_1,
        c.mass_0,
        (c.total_1::double - r.tau * c.taken_1::double) / r.taken + r.tau * c.mass_1::double as total_1,
        (c.total_0::double - r.tau * c.taken_0::double) / r.taken as total_0,
        c.weight_sum,
        case when coalesce(c.unit_arm, false) then r.tau else 0 end as shift,
        (c.mass_1 + c.mass_0)::double as mass_squares,
        (c.total_1 + c.total_0)::double - r.tau * (c.taken_1 + c.taken_0)::double as left_over,
        left_over / r.taken + shift * mass_squares as cross_sum,
        (c.squares::double - 2 * r.tau * c.cross_taken::double + r.tau ** 2 * c.taken_squares::double) / r.taken ** 2
        + 2 * shift * left_over / r.taken + shift ** 2 * mass_squares as squares
    from {{ ref('int_take_up_cells') }} as c
    inner join ratios as r on c.fit_id = r.fit_id
),

effects as ({{ cluster_robust('residuals') }})

select
    t.fit_id,
    t.beta as taken,
    t.beta_se as taken_se,
    e.beta,
    e.beta_se,
    e.df,
    t.clusters_1,
    t.clusters_0,
    t.is_nested
from first_stages as t
left join effects as e on t.fit_id = e.fit_id
order by t.fit_id
