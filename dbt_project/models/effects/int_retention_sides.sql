-- The two sides of every retention: the pilot's and the scaled effect, by one and the same estimator, or why not.
-- Where either stage has fewer than three sites, both sides speak of these sites only; scale_pilot is on neither.
with standing as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        any_value(a.level) = 'network' as is_network,
        any_value(a.unit) = 'person_weighted' as is_person_weighted,
        any_value(a.inference) = 'population_of_sites' as is_population
        {%- for stage in ['pilot', 'scaled'] %},
        count(*) filter (where s.stage = '{{ stage }}') as {{ stage }}_registered,
        count(*) filter (where s.stage = '{{ stage }}' and s.state <> 'no_data') as {{ stage }}_measured,
        count(*) filter (where s.stage = '{{ stage }}' and s.state = 'not_identified') as {{ stage }}_unidentified
        {%- endfor %},
        bool_or(s.state = 'interim') as is_interim
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    group by s.analysis, s.indicator, s.wave
),

estimates as (
    select
        analysis, indicator, wave, stage, dimension, measure, estimator,
        site_count, estimate, estimate_se, df
    from {{ ref('int_pooled_effects') }}
    union all
    select
        e.analysis, e.indicator, e.wave, e.stage, e.dimension, e.measure, 'network',
        count(s.site), e.estimate, e.estimate_se, e.df
    from {{ ref('int_site_effects') }} as e
    inner join {{ source('registry', 'analyses') }} as a on e.analysis = a.analysis
    left join {{ ref('int_analysis_sites') }} as s
        on
            e.analysis = s.analysis and e.indicator = s.indicator and e.wave = s.wave
            and e.stage = s.pool and s.state = 'included'
    where a.level = 'network' and e.site = 'network' and e.estimator <> 'two_sample_welch'
    group by all
),

fewest as (
    select
        analysis, indicator, wave,
        min(site_count) as site_count
    from estimates
    where stage in ('pilot', 'scaled') and dimension = 'all'
    group by analysis, indicator, wave
),

chosen as (
    select
        t.*,
        i.effect_scale as measure,
        case
            when t.is_network then 'network'
            when t.is_person_weighted then 'eligible_weighted_mean'
            when t.is_population and f.site_count >= 3 then 'reml_hksj_truncated'
            else 'equal_mean'
        end as estimator
    from standing as t
    inner join {{ source('registry', 'indicators') }} as i on t.indicator = i.indicator
    left join fewest as f on t.analysis = f.analysis and t.indicator = f.indicator and t.wave = f.wave
)

select
    c.* exclude (is_network, is_person_weighted, is_population)
    {%- for stage in ['pilot', 'scaled'] %},
    coalesce({{ stage }}.site_count, 0) as {{ stage }}_site_count,
    {{ stage }}.estimate as {{ stage }}_estimate,
    {{ stage }}.estimate_se as {{ stage }}_se,
    {{ stage }}.df as {{ stage }}_df
    {%- endfor %}
from chosen as c
{%- for stage in ['pilot', 'scaled'] %}
left join estimates as {{ stage }}
    on
        c.analysis = {{ stage }}.analysis and c.indicator = {{ stage }}.indicator and c.wave = {{ stage }}.wave
        and c.measure = {{ stage }}.measure and c.estimator = {{ stage }}.estimator
        and {{ stage }}.stage = '{{ stage }}' and {{ stage }}.dimension = 'all'
{%- endfor %}
order by c.analysis, c.indicator, c.wave
