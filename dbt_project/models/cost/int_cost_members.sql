-- The sites behind each number of costs: a site alone, and for each stage and all stages the sites behind its headline
-- effect or, where it has none, every site that the analysis asks. Beside each what it cost by the wave, and whom that
-- served: those the register tells of, else the frame's treatment arm. Empty where no register of costs is kept.
{%- set key = 'analysis, indicator, wave' %}
with sites as (
    select
        s.*,
        c.* exclude (site, wave, wave_order, participants),
        c.wave_order,
        coalesce(c.participants, p.participants) as participants,
        case when c.participants is not null then 'register' when p.participants is not null then 'frame' end
            as participants_basis,
        g.verdict as quality_verdict
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'waves') }} as w on s.wave = w.wave and not w.is_baseline
    inner join {{ ref('int_site_costs') }} as c on s.site = c.site and s.wave = c.wave
    left join {{ ref('int_cost_people') }} as p on s.analysis = p.analysis and s.site = p.site
    left join {{ source('quality', 'admission') }} as g
        on s.site = g.site and s.wave = g.wave and s.indicator = g.indicator
),

-- a pooled effect speaks of the designs it was pooled over, one trial of all sites included
groups as (
    select
        {{ key }},
        stage,
        max(design_group) as design_group
    from {{ ref('int_pooled_effects') }}
    where is_headline and dimension = 'all'
    group by {{ key }}, stage
),

placed as (
    select
        s.* exclude (stage, site),
        s.site,
        s.stage,
        s.site as member
    from sites as s
    union all by name
    select
        s.* exclude (stage, site),
        'network' as site,
        unnest(list_distinct([s.pool, 'all'])) as stage,
        s.site as member
    from sites as s
),

grouped as (
    select
        p.*,
        p.state = 'included' and (
            g.design_group is null or p.design_group = g.design_group
            or g.design_group = 'randomised and non-randomised'
        ) as is_behind
    from placed as p
    left join groups as g
        on p.analysis = g.analysis and p.indicator = g.indicator and p.wave = g.wave and p.stage = g.stage
)

select
    *,
    bool_or(is_behind) over (partition by analysis, indicator, wave, site, stage) as has_effect
from grouped
qualify is_behind or site <> 'network' or not has_effect
order by analysis, indicator, wave, site, stage, member
