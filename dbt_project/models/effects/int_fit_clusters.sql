-- The cells of each comparison, one row per block and cluster with both arms side by side; units that are their own
-- clusters share one row per block and arm, with `multiplicity` saying how many they are. Sums are exact and counted
-- from the comparison's origin; `squares`, `cross` and `mass_squares` serve the residuals of such units alone.
with cells as (
    select
        f.fit_id,
        c.block_id,
        c.cluster_id,
        c.is_treated,
        c.n,
        c.weight_sum,
        c.mass,
        c.total - f.origin * c.mass as total,
        c.total_mass - f.origin * c.mass_squares as cross_sum,
        c.total_squares - 2 * f.origin * c.total_mass + f.origin * f.origin * c.mass_squares as squares,
        c.mass_squares
    from {{ ref('int_fit_cells') }} as c
    inner join {{ ref('int_fits') }} as f
        on
            c.analysis = f.analysis and c.indicator = f.indicator and c.wave = f.wave
            and c.site = f.site and c.stage = f.stage and c.dimension = f.dimension and c.level = f.level
    where f.n_treatment > 0 and f.n_control > 0 and not f.is_quantile
)

select
    fit_id,
    block_id,
    cluster_id,
    case when cluster_id is null then is_treated end as unit_arm,
    case when cluster_id is null then sum(n)::bigint else 1 end as multiplicity,
    coalesce(sum(mass) filter (where is_treated), 0) as mass_1,
    coalesce(sum(total) filter (where is_treated), 0) as total_1,
    coalesce(sum(mass) filter (where not is_treated), 0) as mass_0,
    coalesce(sum(total) filter (where not is_treated), 0) as total_0,
    sum(weight_sum) as weight_sum,
{%- for part in ['cross_sum', 'squares', 'mass_squares'] %}
    case when bool_and({{ part }} is not null) then sum({{ part }}) end as {{ part }}{{ ',' if not loop.last }}
{%- endfor %}
from cells
group by fit_id, block_id, cluster_id, unit_arm
order by fit_id, block_id, cluster_id, unit_arm
