-- What may not be told of an arm's people at a site, or of one level of a dimension there: primarily what is small, or
-- a share that gives a small count away; secondarily as many groups beside it as it takes that none of them can be had
-- from their total less the rest. A level stands beside the levels of its dimension at its site, a site beside those
-- that are pooled with it. Dimensions that nest have totals in each other, so they are hidden whole. Which group is
-- hidden for its own sake is said nowhere.
{{ config(materialized='ephemeral') }}
{%- set cell = 'analysis, indicator, wave, site, dimension, level' %}
{%- set site = 'analysis, indicator, wave, site' %}
{%- set beside = 'analysis, indicator, wave, place, dimension, arm' %}
{%- set order = "if(dimension = 'all', started_date, null), if(dimension = 'all', null, n_in_wave), site, level" %}
with told as (
    select
        {{ cell }},
        arm,
        n,
        cluster_count,
        case when statistic in ('share', 'rate') then events end as events,
        statistic = 'share' as is_share
    from {{ ref('int_arm_values') }}
    union all by name
    select
        {{ cell }},
        unnest([treatment_arm, control_arm]) as arm,
        unnest([n_treatment, n_control]) as n
    from {{ ref('int_site_effects') }}
    inner join (
        select
            analysis,
            coalesce(treatment_arm, 'treatment') as treatment_arm,
            coalesce(control_arm, 'control') as control_arm
        from {{ source('registry', 'analyses') }}
    ) using (analysis)
    -- a difference between levels is no group of people
    where site <> 'network' and measure <> 'interaction'
),

arms as (
    select
        {{ cell }},
        arm,
        min(told.n) as n,
        coalesce(min(told.events) filter (where told.is_share), min(told.n)) as events,
        coalesce(min(told.n - told.events) filter (where told.is_share), min(told.n)) as non_events,
        coalesce(bool_or(told.cluster_count = 0), false) as has_no_clusters,
        bool_or({{ is_small('told.n') }}) as is_small,
        coalesce(
            bool_or(
                if(told.is_share, {{ is_small_share('told.events', 'told.n') }}, {{ is_small('told.events') }})
            ), false
        ) as is_small_share
    from told
    cross join {{ source('registry', 'programme') }} as programme
    where told.n > 0
    group by {{ cell }}, arm
),

starts as (
    select
        site,
        min(from_date) as started_date
    from {{ source('registry', 'site_stages') }}
    group by site
),

-- The order does not change with what is asked of a wave or with what comes later: else one indicator, or the next
-- release, would show the group that stands beside a small one in another. Levels go by their size in the wave, sites
-- by when they started.
placed as (
    select
        arms.*,
        families.family,
        started_date,
        if(dimension = 'all', concat_ws(' ', sites.stage, sites.design_group, sites.state), site) as place,
        max(n) over (partition by wave, site, dimension, level, arm) as n_in_wave,
        -- without clusters an effect and its error are two equations for two shares; nor can an effect of nearly 100
        -- percentage points be that of many shares
        bool_or(has_no_clusters) over (partition by {{ cell }}) or (
            1 - max(events / n) over (partition by {{ cell }}) + min(events / n) over (partition by {{ cell }})
        ) * min(n) over (partition by {{ cell }}) < programme.round_to as is_solvable
    from arms
    cross join {{ source('registry', 'programme') }} as programme
    left join {{ ref('int_analysis_sites') }} as sites using (analysis, indicator, wave, site)
    left join starts using (site)
    left join {{ ref('int_nested_dimensions') }} as families using (dimension)
),

levels as (
    select
        placed.*,
        {{ is_hidden_together('is_small', 'n', beside, order) }} as is_hidden_here,
        {{ is_hidden_together(
            'is_small or is_small_share', 'n', beside, order, ['n - 1', 'events', 'non_events']
        ) }} as is_value_hidden_here
    from placed
    cross join {{ source('registry', 'programme') }} as programme
    where dimension <> 'all'
),

-- Where all the levels that can be hidden are too few, their site is.
poor as (
    select
        {{ site }},
        arm,
        bool_or(hidden_n < programme.round_to) as is_poor,
        bool_or(least(hidden_events, hidden_non_events) < programme.round_to) as is_value_poor
    from (
        select
            {{ site }},
            arm,
            dimension,
            sum(n - 1) filter (where is_hidden_here) as hidden_n,
            sum(events) filter (where is_value_hidden_here) as hidden_events,
            sum(non_events) filter (where is_value_hidden_here) as hidden_non_events
        from levels
        group by all
    )
    cross join {{ source('registry', 'programme') }} as programme
    group by {{ site }}, arm
),

judged as (
    select
        placed.*,
        is_small or coalesce(is_poor, false) as is_few,
        is_small_share or coalesce(is_value_poor, false) as is_few_share
    from placed
    left join poor using ({{ site }}, arm)
    where dimension = 'all'
),

sites as (
    select
        judged.*,
        {{ is_hidden_together('is_few', 'n', beside, order) }} as is_hidden_here,
        {{ is_hidden_together('is_few or (is_few_share and is_solvable)', 'n', beside, order) }}
            as is_effect_hidden_here
    from judged
    cross join {{ source('registry', 'programme') }} as programme
),

told_sites as (
    select
        {{ cell }},
        arm,
        n,
        is_hidden_here as is_hidden,
        bool_or(is_hidden_here or is_effect_hidden_here) over (partition by {{ cell }}) as is_effect_hidden,
        -- beside the effect one arm's mean would tell the other's
        bool_or(is_hidden_here or is_effect_hidden_here or is_few_share) over (partition by {{ cell }})
            as is_value_hidden
    from sites
),

-- the levels of a hidden site would add up to it
told_levels as (
    select
        {%- for column in ['analysis', 'indicator', 'wave', 'site', 'dimension', 'level', 'arm', 'n', 'family'] %}
            levels.{{ column }},
        {%- endfor %}
        coalesce(told_sites.is_hidden, false) or (
            -- a level that everybody shares is the site
            count(*) over (partition by {{ site }}, levels.dimension, arm) > 1 and (
                levels.is_hidden_here
                or bool_or(levels.is_hidden_here and family is not null)
                    over (partition by {{ site }}, coalesce(levels.family, levels.dimension), arm)
            )
        ) as is_hidden,
        is_value_hidden_here
        or bool_or(is_value_hidden_here and family is not null)
            over (partition by {{ site }}, coalesce(levels.family, levels.dimension), arm)
        or coalesce(told_sites.is_value_hidden, false) as is_value_hidden
    from levels
    left join told_sites using ({{ site }}, arm)
)

-- `spare` is by how much a count could be another: what its fellows in hiding leave, and what it leaves to them
select
    {{ cell }},
    arm,
    n,
    is_hidden,
    is_effect_hidden,
    is_value_hidden,
    n - 1 as spare,
    false as is_nested
from told_sites
union all
select
    {{ cell }},
    arm,
    n,
    is_hidden,
    bool_or(is_hidden or is_value_hidden) over (partition by {{ cell }}) as is_effect_hidden,
    is_value_hidden,
    least(
        n - 1, coalesce(sum(n - 1) filter (where is_hidden) over (partition by {{ site }}, dimension, arm), 0) - n + 1
    ) as spare,
    family is not null as is_nested
from told_levels
