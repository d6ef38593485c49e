-- How alike the arms were at baseline, covariate by covariate; no p-value, since chance is all it could show.
--   SMD = (m1 - m0) / sqrt((s1^2 + s0^2) / 2), s^2 = p (1 - p) for what is 0 or 1, else with n - 1; ratio = s1^2 / s0^2
-- Bands of the What Works Clearinghouse: up to 0.05 alike, up to 0.25 to be adjusted for, beyond it not equivalent.
{%- set arms = {'treatment': 'c.is_treated', 'control': 'not c.is_treated'} %}
with sums as (
    select
        g.group_id,
        g.analysis,
        g.site,
        g.stage,
        c.covariate,
        coalesce(i.statistic = 'share', k.covariate is null) as is_binary,
        coalesce({{ unit_per_step('i.statistic', 'i.resolution') }}, k.resolution::double, 1) as step,
        {%- for name, arm in arms.items() %}
            coalesce(sum(c.n) filter (where {{ arm }}), 0)::bigint as n_{{ name }},
            sum(c.total::hugeint) filter (where {{ arm }}) as total_{{ name }},
            sum(c.squares::hugeint) filter (where {{ arm }}) as squares_{{ name }},
        {%- endfor %}
        bool_and(g.is_randomised) as is_randomised
    from {{ ref('int_baseline_groups') }} as g
    inner join {{ ref('int_baseline_cells') }} as c on g.analysis = c.analysis and g.member = c.site
    left join {{ source('registry', 'indicators') }} as i on c.covariate = i.indicator
    left join {{ source('registry', 'covariates') }} as k on c.covariate = k.covariate
    where c.covariate <> '*'
    group by g.group_id, g.analysis, g.site, g.stage, c.covariate, i.statistic, i.resolution, k.covariate, k.resolution
),

spreads as (
    select
        *,
        {%- for name in arms %}
            total_{{ name }} / nullif(n_{{ name }}, 0) as mean_{{ name }},
            -- n * squares - total^2 is a whole number: exact at any offset
            (n_{{ name }} * squares_{{ name }} - total_{{ name }} * total_{{ name }})::double
            / n_{{ name }} / case when is_binary then n_{{ name }} else nullif(n_{{ name }} - 1, 0) end
                as variance_{{ name }},
        {%- endfor %}
        (total_treatment * n_control - total_control * n_treatment)::double / n_treatment / n_control as difference,
        sqrt((variance_treatment + variance_control) / 2) as spread
    from sums
)

select
    group_id,
    analysis,
    site,
    stage,
    covariate,
    is_binary,
    is_randomised,
    n_treatment,
    n_control,
    mean_treatment * step as mean_treatment,
    mean_control * step as mean_control,
    difference / nullif(spread, 0) as smd,
    case when not is_binary then nullif(variance_treatment, 0) / nullif(variance_control, 0) end as variance_ratio,
    case
        when abs(smd) <= 0.05 then 'alike'
        when abs(smd) <= 0.25 then 'adjust'
        when smd is not null then 'not_equivalent'
    end as band,
    case
        when n_treatment = 0 or n_control = 0 then 'no_data'
        when spread is null then 'too_few'
        when spread = 0 then 'constant'
        else 'measured'
    end as state,
    case state
        when 'no_data' then 'unknown for everybody in one of the arms'
        when 'too_few' then 'known for one person only in an arm'
        when 'constant' then 'alike for everybody in each arm'
    end as reason
from spreads
order by group_id, covariate
