-- The two sides of every retention: the pilot's and the scaled effect, by one and the same estimator, or why not.
-- Where either stage has fewer than three sites, both sides speak of these sites only; scale_pilot is on neither.
{%- set key = 'analysis, indicator, wave' %}
with standing as (
    select
        {{ key }},
        {%- for stage in ['pilot', 'scaled'] %}
            count(*) filter (where stage = '{{ stage }}') as {{ stage }}_registered,
            count(*) filter (where stage = '{{ stage }}' and state not in ('no_data', 'not_comparable')) as {{ stage }}_measured,
            count(*) filter (where stage = '{{ stage }}' and state = 'not_identified') as {{ stage }}_unidentified,
        {%- endfor %}
        bool_or(state = 'interim') as is_interim
    from {{ ref('int_analysis_sites') }}
    group by {{ key }}
),

fewest as (
    select
        {{ key }},
        min(site_count) as site_count
    from {{ ref('int_stage_effects') }}
    where stage in ('pilot', 'scaled')
    group by {{ key }}
),

chosen as (
    select
        t.*,
        i.effect_scale as measure,
        case
            when a.level = 'network' then 'network'
            when a.unit = 'person_weighted' then 'eligible_weighted_mean'
            when a.inference = 'population_of_sites' and f.site_count >= 3 then 'reml_hksj_truncated'
            else 'equal_mean'
        end as estimator
    from standing as t
    inner join {{ source('registry', 'analyses') }} as a using (analysis)
    inner join {{ source('registry', 'indicators') }} as i using (indicator)
    left join fewest as f using ({{ key }})
)

select
    c.*,
    {%- for stage in ['pilot', 'scaled'] %}
        coalesce({{ stage }}.site_count, 0) as {{ stage }}_site_count,
        {{ stage }}.estimate as {{ stage }}_estimate,
        {{ stage }}.estimate_se as {{ stage }}_se,
        {{ stage }}.df as {{ stage }}_df,
    {%- endfor %}
    coalesce(pilot.estimate_se > 0 and scaled.estimate_se > 0, false) as is_complete
from chosen as c
left join {{ ref('int_stage_effects') }} as pilot
    on
        c.analysis = pilot.analysis and c.indicator = pilot.indicator and c.wave = pilot.wave
        and c.measure = pilot.measure and c.estimator = pilot.estimator and pilot.stage = 'pilot'
left join {{ ref('int_stage_effects') }} as scaled
    on
        c.analysis = scaled.analysis and c.indicator = scaled.indicator and c.wave = scaled.wave
        and c.measure = scaled.measure and c.estimator = scaled.estimator and scaled.stage = 'scaled'
order by c.analysis, c.indicator, c.wave
