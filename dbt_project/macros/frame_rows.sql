-- noqa: disable=LT02
{#- The frame's small rules: what a weight is, what a replacement takes over, which round goes first. -#}

{#- Not given: 1. Given but not a positive number below ten million: null, so that the unit is in no weighted sum. No
    respondent stands for more people, and sums of products stay exact. -#}
{% macro unit_weight(text) -%}
    case
        when {{ text }} is null then cast(1 as decimal(18, 6))
        when try_cast({{ text }} as decimal(13, 6)) > 0 then cast(try_cast({{ text }} as decimal(13, 6)) as decimal(18, 6))
    end
{%- endmacro %}

{#- CTEs `ancestors` (unrolled to five replacements of replacements) and `inherited`: arm, cluster, block and cohort of
    the nearest replaced unit that has them. -#}
{% macro replacement_chains(units) -%}
ancestor_1 as (
    select
        replacements.round,
        replacements.wave,
        replacements.unit_key,
        replaced.replaces_unit_key as next_key,
        replaced.arm,
        replaced.cluster_code,
        replaced.block_code,
        replaced.cohort,
        1 as depth
    from {{ units }} as replacements
    inner join {{ units }} as replaced
        on
            replacements.round = replaced.round
            and replacements.wave is not distinct from replaced.wave
            and replacements.site = replaced.site
            and replacements.replaces_unit_key = replaced.unit_key
),
{% for depth in range(2, 6) %}
ancestor_{{ depth }} as (
    select
        nearer.round,
        nearer.wave,
        nearer.unit_key,
        replaced.replaces_unit_key as next_key,
        replaced.arm,
        replaced.cluster_code,
        replaced.block_code,
        replaced.cohort,
        {{ depth }} as depth
    from ancestor_{{ depth - 1 }} as nearer
    inner join {{ units }} as replaced
        on
            nearer.round = replaced.round
            and nearer.wave is not distinct from replaced.wave
            and nearer.next_key = replaced.unit_key
),
{% endfor %}
ancestors as (
    {%- for depth in range(1, 6) %}
    select * from ancestor_{{ depth }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

inherited as (
    select
        round,
        wave,
        unit_key,
        min_by(arm, depth) filter (where arm is not null) as arm,
        min_by(cluster_code, depth) filter (where cluster_code is not null) as cluster_code,
        min_by(block_code, depth) filter (where block_code is not null) as block_code,
        min_by(cohort, depth) filter (where cohort is not null) as cohort
    from ancestors
    group by round, wave, unit_key
)
{%- endmacro %}

{#- Which round says where a unit belongs: a randomised one first, and among those the one of that name. -#}
{% macro round_order(is_randomised, round) -%}
    case when {{ is_randomised }} then 0 else 2 end + case when {{ round }} = 'randomised' then 0 else 1 end
{%- endmacro %}
