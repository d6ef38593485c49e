-- Every planned look of an analysis, and the level at which its bounds are tested there.
-- Spending functions of Lan and DeMets (1983), alpha = 5%, t the share of the final information: O'Brien-Fleming's kind
-- 4 - 4 Phi(z(1 - alpha / 4) / sqrt(t)), Pocock's alpha ln(1 + (e - 1) t). The level of a look is the two-sided one at
-- which what it may spend is spent (Armitage, McPherson and Rowe 1969: the integral over the looks before it).
-- The last look is the analysis itself, when its waves are closed; the others are due from their planned date on.
with plans as (
    select
        l.analysis,
        a.spending_plan,
        list(l.information order by l.look) as information
    from {{ source('registry', 'analysis_looks') }} as l
    inner join {{ source('registry', 'analyses') }} as a on l.analysis = a.analysis
    group by l.analysis, a.spending_plan
),

levels as (
    select
        analysis,
        spending_plan,
        len(information) as look_count,
        look_levels(spending_plan = 'obrien_fleming', information) as alphas
    from plans
)

select
    l.analysis,
    l.look,
    l.planned_date,
    l.information,
    v.spending_plan,
    case
        when v.spending_plan = 'pocock' then 0.05 * ln(1 + (exp(1) - 1) * l.information)
        else 4 * normal_cdf(-normal_quantile(1 - 0.05 / 4) / sqrt(l.information))
    end as alpha_spent,
    v.alphas[l.look] as alpha,
    l.look = v.look_count as is_last,
    not is_last and coalesce(l.planned_date <= p.as_of_date, false) as is_due
from {{ source('registry', 'analysis_looks') }} as l
inner join levels as v on l.analysis = v.analysis
left join {{ source('registry', 'programme') }} as p on true
order by l.analysis, l.look
