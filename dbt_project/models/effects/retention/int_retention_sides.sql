-- The two sides of every retention: the pilot's and the scaled effect of one and the same estimand, or why not: one
-- estimator, one measure, one group of designs (randomised first, where both sides have both).
-- Where either stage has fewer than three sites, both sides speak of these sites only; scale_pilot is on neither.
{%- set key = 'analysis, indicator, wave' %}
{%- set sides = ['pilot', 'scaled'] %}
with standing as (
    select
        {{ key }},
        {%- for stage in sides %}
            count(*) filter (where stage = '{{ stage }}') as {{ stage }}_registered,
            count(*) filter (where stage = '{{ stage }}' and state <> 'no_data') as {{ stage }}_measured,
            count(*) filter (where stage = '{{ stage }}' and state = 'not_identified') as {{ stage }}_unidentified,
            count(*) filter (where stage = '{{ stage }}' and state = 'not_comparable') as {{ stage }}_incomparable,
            string_agg(distinct design_group, ' and ' order by design_group)
            filter (where stage = '{{ stage }}' and state = 'included') as {{ stage }}_designs,
        {%- endfor %}
        bool_or(state = 'interim') as is_interim,
        max(look) as look
    from {{ ref('int_analysis_sites') }}
    group by {{ key }}
),

-- groups of designs that both sides have an effect of, with the fewest sites of the two
shared as (
    select
        {{ key }},
        design_group,
        min(site_count) as fewest_sites,
        row_number() over (partition by {{ key }} order by list_position(
            ['randomised', 'randomised and non-randomised', 'non_randomised'], design_group
        )) as place
    from {{ ref('int_stage_effects') }}
    where stage in ('pilot', 'scaled') and site_count > 0
    group by {{ key }}, design_group
    having count(distinct stage) = 2
),

chosen as (
    select
        t.*,
        i.effect_scale as measure,
        coalesce(d.fewest_sites, 0) as fewest_sites,
        if(
            a.level = 'network', 'network', {{ headline_estimator('a.unit', 'a.inference', 'fewest_sites') }}
        ) as estimator,
        d.design_group
    from standing as t
    inner join {{ source('registry', 'analyses') }} as a using (analysis)
    inner join {{ source('registry', 'indicators') }} as i using (indicator)
    left join shared as d
        on t.analysis = d.analysis and t.indicator = d.indicator and t.wave = d.wave and d.place = 1
)

select
    c.* exclude (fewest_sites),
    {%- for stage in sides %}
        coalesce({{ stage }}.site_count, 0) as {{ stage }}_site_count,
        {{ stage }}.n_treatment as {{ stage }}_n_treatment,
        {{ stage }}.n_control as {{ stage }}_n_control,
        {{ stage }}.basis as {{ stage }}_basis,
        {{ stage }}.estimate as {{ stage }}_estimate,
        {{ stage }}.estimate_se as {{ stage }}_se,
        {{ stage }}.df as {{ stage }}_df,
        {{ stage }}.median_site_df as {{ stage }}_median_site_df,
    {%- endfor %}
    scaled.pi_hts_low as scaled_pi_hts_low,
    scaled.pi_hts_high as scaled_pi_hts_high,
    scaled.p_next_above_smallest as scaled_p_next_above_smallest,
    {{ sides_are_complete() }} as is_complete
from chosen as c
left join {{ ref('int_stage_effects') }} as pilot
    on
        c.analysis = pilot.analysis and c.indicator = pilot.indicator and c.wave = pilot.wave
        and c.measure = pilot.measure and c.estimator = pilot.estimator and c.design_group = pilot.design_group
        and pilot.stage = 'pilot'
left join {{ ref('int_stage_effects') }} as scaled
    on
        c.analysis = scaled.analysis and c.indicator = scaled.indicator and c.wave = scaled.wave
        and c.measure = scaled.measure and c.estimator = scaled.estimator and c.design_group = scaled.design_group
        and scaled.stage = 'scaled'
order by c.analysis, c.indicator, c.wave
