-- Which totals over sites may not be told since a hidden site could be had from them: those in which one site alone is
-- hidden, or with too few people beside it; the total of all stages beside such a stage; and the levels that are hidden
-- beside such a level at any of the sites. `has_hidden_site` are those that are told, but not in every way they can be
-- reckoned: each estimator would be one more equation for what is hidden. The network as one trial is a pool too.
{{ config(materialized='ephemeral') }}
{%- set question = 'analysis, indicator, wave, stage, design_group, dimension, measure' %}
with members as (
    select
        {{ question }},
        level,
        unnest(sites) as site
    from {{ ref('int_pools') }}
    union all by name
    select distinct
        cells.analysis,
        cells.indicator,
        cells.wave,
        unnest([sites.stage, 'all']) as stage,
        'network' as design_group,
        cells.dimension,
        'network' as measure,
        cells.level,
        cells.site
    from {{ ref('int_hidden_cells') }} as cells
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    inner join {{ ref('int_analysis_sites') }} as sites using (analysis, indicator, wave, site)
    where analyses.level = 'network'
),

of_arms as (
    select
        members.* exclude (site),
        cells.arm,
        count_if(cells.is_effect_hidden) as hidden_effects,
        count_if(cells.is_hidden) as hidden_counts,
        coalesce(sum(cells.spare) filter (where cells.is_hidden), 0) as spare,
        bool_or(cells.is_nested) as is_nested
    from members
    inner join {{ ref('int_hidden_cells') }} as cells using (analysis, indicator, wave, site, dimension, level)
    group by all
),

counted as (
    select
        {{ question }},
        level,
        bool_or(hidden_effects > 0) as has_hidden_site,
        not any_value(programme.is_public) and bool_or(
            hidden_effects = 1 or hidden_counts = 1 or (hidden_counts > 1 and spare < programme.round_to)
            -- levels that nest have totals in each other; and the network's people are those of the pools of other
            -- analyses, but for sites that no pool could use
            or (hidden_effects > 0 and (is_nested or (design_group = 'network' and dimension <> 'all')))
        ) as is_alone
    from of_arms
    cross join {{ source('registry', 'programme') }} as programme
    group by all
),

-- A level's people at a site that its pool could not use are what the pools of all levels leave of the total.
left_out as (
    select distinct
        members.analysis,
        members.indicator,
        members.wave,
        members.stage,
        members.design_group,
        members.measure,
        cells.dimension
    from members
    inner join {{ ref('int_hidden_cells') }} as cells using (analysis, indicator, wave, site)
    anti join members as used
        on
            members.analysis = used.analysis and members.indicator = used.indicator and members.wave = used.wave
            and members.stage = used.stage and members.design_group = used.design_group
            and members.measure = used.measure and members.site = used.site
            and cells.dimension = used.dimension and cells.level = used.level
    where members.dimension = 'all' and cells.dimension <> 'all' and cells.is_hidden
),

opened as (
    select
        counted.*,
        is_alone or left_out.dimension is not null or (
            stage = 'all'
            and bool_or(is_alone) over (partition by analysis, indicator, wave, design_group, dimension, level, measure)
        ) as is_open
    from counted
    left join left_out using ({{ question }})
)

select
    {{ question }},
    level,
    has_hidden_site,
    is_open or (has_hidden_site and bool_or(is_open) over (partition by {{ question }})) as is_hidden
from opened
