-- The effect on those who took the treatment up because they were assigned to it: beside the effect of assignment,
-- never the headline. Where no control took it up that is the effect on the treated (wald_tot); else that on compliers
-- (wald_cace). Where assignment moves take-up too little, the ratio says nothing: no interval is claimed.
with shares as (
    select
        fit_id,
        sum(n_1) as n_1,
        sum(n_0) as n_0,
        -- take-up is a share: 0 or 100 percent, in steps of its own resolution
        sum(taken_1)::double / nullif(sum(mass_1)::double, 0) as steps_1,
        sum(taken_0)::double / nullif(sum(mass_0)::double, 0) as steps_0
    from {{ ref('int_take_up_cells') }}
    group by fit_id
),

judged as (
    select
        t.*,
        f.step,
        f.is_clustered,
        f.n_treatment + f.n_control - s.n_1 - s.n_0 as untold,
        d.resolution::double / 100 as share_per_step,
        s.steps_1 * share_per_step * 100 as take_up_treatment_pct,
        s.steps_0 * share_per_step * 100 as take_up_control_pct,
        t.taken_se is null as is_untested,
        -- everyone took up what was assigned: then the first stage has no error at all
        case
            when t.taken_se > 1e-9 * abs(t.taken) then (t.taken / t.taken_se) ** 2 < 10
            else abs(t.taken) < 1e-9
        end as is_weak
    from {{ ref('int_take_up_fits') }} as t
    inner join {{ ref('int_fits') }} as f on t.fit_id = f.fit_id
    inner join {{ source('registry', 'analyses') }} as a on f.analysis = a.analysis
    inner join {{ source('registry', 'indicators') }} as d on a.take_up = d.indicator
    inner join shares as s on t.fit_id = s.fit_id
    where not f.is_quantile
)

select
    fit_id,
    'treatment_on_treated' as measure,
    case when take_up_control_pct > 0 then 'wald_cace_' else 'wald_tot_' end
    || case when is_clustered then 'cr2' else 'hc2' end as estimator,
    true as is_own,
    beta * step / share_per_step as estimate,
    case
        when is_nested and not is_weak and not is_untested and least(clusters_1, clusters_0) >= 2 and beta_se > 0
            then beta_se * step / share_per_step
    end as estimate_se,
    df,
    clusters_1,
    clusters_0,
    take_up_treatment_pct,
    take_up_control_pct,
    coalesce(is_weak, false) as is_weak_take_up,
    case
        when is_weak then 'weak_take_up: the arms differ too little in take-up (first-stage F below 10)'
        when untold > 0 and not is_clustered then 'take-up is not known of everyone measured'
    end as why_no_error
from judged
order by fit_id
