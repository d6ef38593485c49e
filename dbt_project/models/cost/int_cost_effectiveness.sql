-- What it cost and what that bought, one row per measure. With c the cost per participant, C/N, known without error,
-- and theta the effect on one participant: cost per unit of outcome C / (theta N) = c / theta with Fieller's set in t
-- (here c / (theta +- q se)); effect per 100 units of currency 100 theta / c; cost-effectiveness retention
-- (theta_s / c_s) / (theta_p / c_p), the retention's own set times c_p / c_s. A share in percent counts people: its
-- unit is one person. `people_power` is the power of n that a value goes with.
{%- set key = 'analysis, indicator, wave' %}
{%- set money = "p.base_currency || ' at ' || p.price_year::varchar || ' prices'" %}
with bounds as (
    select
        g.* exclude (unit),
        {{ money }} as money,
        {{ effect_unit('g.measure', 'g.unit') }} as effect_unit,
        if(g.measure = 'risk_difference', 'person', effect_unit) as outcome,
        if(g.measure = 'risk_difference', 100, 1) as per_unit,
        g.measure like 'log_%' as is_ratio,
        t_quantile(0.975, g.df) as q,
        {{ fieller('unit_cost', '', 'g.effect', 'g.effect_se', 'g.cost_per_participant', '0', 'q') }}
    from {{ ref('int_cost_groups') }} as g
    cross join {{ source('registry', 'programme') }} as p
),

ratios as (
    select
        r.*,
        pilot.cost_per_participant / nullif(scaled.cost_per_participant, 0) as cost_ratio,
        pilot.n as pilot_n,
        pilot.n_treatment as pilot_n_treatment,
        pilot.n_control as pilot_n_control
    from {{ ref('int_retention_ratios') }} as r
    inner join {{ ref('int_cost_groups') }} as pilot
        on
            r.analysis = pilot.analysis and r.indicator = pilot.indicator and r.wave = pilot.wave
            and pilot.site = 'network' and pilot.stage = 'pilot'
    inner join {{ ref('int_cost_groups') }} as scaled
        on
            r.analysis = scaled.analysis and r.indicator = scaled.indicator and r.wave = scaled.wave
            and scaled.site = 'network' and scaled.stage = 'scaled'
),

measured as (
    select
        b.*,
        r.pilot_n,
        r.pilot_n_treatment,
        r.pilot_n_control,
        unnest([
            {{ cost_measures() }}
        ], recursive := false) as m
    from bounds as b
    left join ratios as r
        on
            b.analysis = r.analysis and b.indicator = r.indicator and b.wave = r.wave
            and b.site = 'network' and b.stage = 'scaled'
)

select
    {{ key }},
    site,
    stage,
    m.measure,
    m.unit,
    m.value,
    case when m.value is not null then m.low end as value_low,
    case when m.value is not null then m.high end as value_high,
    case
        when m.measure in ('cost_per_unit', 'cost_effectiveness_retention') then coalesce(m.value_set, 'not_applicable')
    end as value_set,
    case when m.value is not null and m.low is not null then m.df end as df,
    m.people_power,
    n,
    participants_basis,
    n_treatment,
    n_control,
    {%- for people in ['pilot_n', 'pilot_n_treatment', 'pilot_n_control'] %}
        case when m.measure = 'cost_effectiveness_retention' then {{ people }} end as {{ people }},
    {%- endfor %}
    site_count,
    costed_count,
    rows_set_aside,
    comparability_class,
    quality_verdict,
    {{ cost_state() }} as state,
    {{ cost_reason() }} as why_missing,
    {{ cost_note() }} as note
from measured
where m.measure <> 'cost_effectiveness_retention' or (site = 'network' and stage = 'scaled')
order by {{ key }}, site, stage, m.measure
