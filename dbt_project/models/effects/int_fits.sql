-- One row per comparison: its arms' sizes, means and spreads, from exact sums.
-- Sums are moved to a whole-number origin near the mean while still exact, so no offset costs a digit: with values
-- in whole steps around that origin, sum(w y^2) - (sum(w y))^2 / sum(w) loses at most one bit.
{%- set key = 'analysis, indicator, wave, site, stage, dimension, level' %}
{%- set arms = {'treatment': 'is_treated', 'control': 'not is_treated'} %}
with arms as (
    select
        {{ key }},
        {%- for name, arm in arms.items() %}
            coalesce(sum(n) filter (where {{ arm }}), 0)::bigint as n_{{ name }},
            sum(mass) filter (where {{ arm }}) as mass_{{ name }},
            sum(total) filter (where {{ arm }}) as sum_{{ name }},
            sum(total_mass) filter (where {{ arm }}) as cross_{{ name }},
            -- moments that a site sent may lack deviations: what one cell lacks, the arm lacks
            case
                when bool_and(total_squares is not null) filter (where {{ arm }})
                    then sum(total_squares) filter (where {{ arm }})
            end as squares_{{ name }},
            sum(mass_squares) filter (where {{ arm }}) as mass_squares_{{ name }},
        {%- endfor %}
        bool_or(cluster_id is not null) as is_clustered,
        count(distinct block_id) as block_count,
        round(sum(total)::double / sum(mass)::double)::decimal(38, 0)::hugeint as origin
    from {{ ref('int_fit_cells') }}
    group by {{ key }}
),

-- The sites of one comparison are adjusted alike, or not at all.
adjustments as (
    select
        m.analysis,
        m.indicator,
        m.wave,
        {{ fit_site() }} as site,
        {{ fit_stage() }} as stage,
        case when count(distinct m.adjustment) = 1 then min(m.adjustment) else 'none' end as adjustment,
        case
            when count(distinct m.adjustment) = 1 then min(m.adjustment_note)
            else 'not adjusted: needs rows, and some sites sent none'
        end as adjustment_note,
        bool_or(r.design = 'matched_comparison') and bool_and(s.basis = 'rows') as is_matched
    {{ counted_in_fits(ref('int_site_adjustments')) }}
    where s.state = 'included'
    group by all
),

-- M2 is the sum of squares around the arm's mean, in the weights' and the values' steps; a rate has none.
spreads as (
    select
        a.*,
        {%- for name in arms %}
            (a.sum_{{ name }} - a.origin * a.mass_{{ name }})::double as total_{{ name }},
            total_{{ name }} / a.mass_{{ name }}::double as centred_mean_{{ name }},
            case
                when not ({{ is_quotient('i.statistic') }}) and a.squares_{{ name }} is not null then greatest(0, (
                    a.squares_{{ name }} - 2 * a.origin * a.cross_{{ name }}
                    + a.origin * a.origin * a.mass_squares_{{ name }}
                )::double - total_{{ name }} * centred_mean_{{ name }})
            end as m2_{{ name }},
            m2_{{ name }} / a.mass_{{ name }}::double * a.n_{{ name }} / nullif(a.n_{{ name }} - 1, 0)
                as variance_{{ name }},
        {%- endfor %}
        {{ is_quotient('i.statistic') }} as is_rate,
        {{ is_quantile('i.statistic') }} as is_quantile,
        {{ unit_per_step('i.statistic', 'i.resolution') }} as step,
        -- weights of matched people are no frequencies: without clusters, their errors need rows
        case
            when j.adjustment = 'none' and j.is_matched and not a.is_clustered and not is_quantile then 'matched'
            else j.adjustment
        end as adjustment,
        j.adjustment_note
    from arms as a
    inner join {{ source('registry', 'indicators') }} as i on a.indicator = i.indicator
    inner join adjustments as j
        on
            a.analysis = j.analysis and a.indicator = j.indicator and a.wave = j.wave
            and a.site = j.site and a.stage = j.stage
)

select
    row_number() over (order by {{ key }}) as fit_id,
    *,
    case
        when (n_treatment = 0 or m2_treatment is not null) and (n_control = 0 or m2_control is not null)
            then (
                coalesce((n_treatment - 1) * variance_treatment, 0) + coalesce((n_control - 1) * variance_control, 0)
            ) / nullif(n_treatment + n_control - 2, 0)
    end as variance_pooled
from spreads
order by fit_id
