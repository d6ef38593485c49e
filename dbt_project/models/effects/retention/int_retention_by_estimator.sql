-- Retention by every estimator under its own name, pilot and scaled by one and the same, never averaged: what the
-- headline's numbers are by, say, a fixed effect, or with normal quantiles. No verdict: only the headline has one.
-- A stage of one site has one effect, its own, whichever estimator pools the other side: with normal quantiles where
-- the estimator has them (Wald), else with the site's own degrees of freedom.
{%- set key = 'analysis, indicator, wave, estimator' %}
{%- set side_columns = ['n_treatment', 'n_control', 'site_count', 'estimate', 'estimate_se', 'df'] %}
{%- set pool = 'partition by s.analysis, s.indicator, s.wave, s.stage' %}
with effects as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.estimator,
        c.measure,
        c.design_group,
        c.look,
        c.estimator as headline_estimator,
        s.stage,
        s.n_treatment,
        s.n_control,
        s.site_count,
        s.site_count = 1 and s.estimate is null as is_own,
        {%- for name in ['estimate', 'estimate_se'] %}
            if(is_own, max(s.{{ name }}) filter (where s.estimator = 'fixed_wald') over ({{ pool }}), s.{{ name }})
                as {{ name }},
        {%- endfor %}
        case
            when not is_own then s.df
            when s.estimator like '%_wald' then 'infinity'::double
            else max(s.df) filter (where s.estimator = 'equal_mean') over ({{ pool }})
        end as df
    from {{ ref('int_stage_effects') }} as s
    inner join {{ ref('int_retention_sides') }} as c
        on
            s.analysis = c.analysis and s.indicator = c.indicator and s.wave = c.wave
            and s.measure = c.measure and s.design_group = c.design_group
    where s.stage in ('pilot', 'scaled')
),

sides as (
    select
        {{ key }},
        measure,
        design_group,
        look,
        estimator = headline_estimator as is_headline,
        {%- for stage in ['pilot', 'scaled'] %}
            {%- for name in side_columns %}
                any_value({{ name }}) filter (where stage = '{{ stage }}')
                    as {{ stage }}_{{ name | replace('estimate_se', 'se') }},
            {%- endfor %}
        {%- endfor %}
        {{ sides_are_complete() }} as is_complete
    from effects
    group by {{ key }}, measure, design_group, look, headline_estimator
),

claims as (
    {{ retention_claims('sides') }}
),

ratios as (
    {{ retention_ratios('claims', key) }}
)

select
    {{ key }},
    c.is_headline,
    c.measure,
    c.design_group,
    {%- for side in ['pilot', 'scaled'] %}
        {%- for name in side_columns %}
            {%- set column = side ~ '_' ~ name | replace('estimate_se', 'se') %}
            c.{{ column }},
        {%- endfor %}
        c.{{ side }}_estimate - t_quantile(0.975, c.{{ side }}_df) * c.{{ side }}_se as {{ side }}_low,
        c.{{ side }}_estimate + t_quantile(0.975, c.{{ side }}_df) * c.{{ side }}_se as {{ side }}_high,
    {%- endfor %}
    coalesce(r.retention_set, 'not_applicable') as retention_set,
    coalesce(r.retention_set_normal, 'not_applicable') as retention_set_normal,
    {%- for name in pair_numbers() %}
        {{ name }},
    {%- endfor %}
    c.contrast_z,
    c.change_z,
    c.change_verdict,
    c.margin,
    nullif(concat_ws(
        '; ', b.bar,
        case
            when least(c.pilot_site_count, c.scaled_site_count) = 1 and c.estimator not in ('network', 'equal_mean')
                then 'a side is one site: its error leaves out how effects differ between sites'
        end
    ), '') as note,
    case
        when c.is_complete then null
        when c.estimator = 'eligible_weighted_mean'
            then 'a side''s sites cannot all be weighted by their eligible people'
        when least(c.pilot_site_count, c.scaled_site_count) < 3
            then 'a side has fewer than three sites: they say nothing of a population of sites'
        else 'a side has no effect with a standard error by this estimator'
    end as why_missing
from claims as c
left join ratios as r using ({{ key }})
left join {{ ref('int_retention_bars') }} as b
    on c.analysis = b.analysis and c.indicator = b.indicator and c.wave = b.wave
order by {{ key }}
