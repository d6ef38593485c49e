-- How cost goes with scale over an analysis' sites: beta in ln C = a + beta ln N, by least squares, with a Student's t
-- interval of k - 2 degrees of freedom. Below 1 each further participant costs less than those before: economies of
-- scale. Sums of doubles run in the order of sites.
{%- set key = 'analysis, wave' %}
with logs as (
    select
        {{ key }},
        name,
        ln(n) as x,
        ln(total_cost) as y
    from {{ ref('int_cost_points') }}
    where point = 'site'
),

means as (
    select
        {{ key }},
        count(*) as k,
        sum(x order by name) / k as mean_x,
        sum(y order by name) / k as mean_y,
        min(x) = max(x) as is_one_scale
    from logs
    group by {{ key }}
),

sums as (
    select
        {{ key }},
        m.k,
        m.is_one_scale,
        sum((x - mean_x) ** 2 order by name) as sxx,
        sum((x - mean_x) * (y - mean_y) order by name) as sxy,
        sum((y - mean_y) ** 2 order by name) as syy
    from logs
    inner join means as m using ({{ key }})
    group by {{ key }}, m.k, m.is_one_scale
)

select
    {{ key }},
    k,
    is_one_scale,
    case when k >= 3 and not is_one_scale then sxy / sxx end as beta,
    case when beta is not null then k - 2 end::double as df,
    sqrt(greatest(0, syy - sxy * beta) / df / sxx) as beta_se,
    beta - t_quantile(0.975, df) * beta_se as beta_low,
    beta + t_quantile(0.975, df) * beta_se as beta_high
from sums
order by {{ key }}
