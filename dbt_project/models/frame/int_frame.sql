-- Who was to be measured, where and in which arm: one row for each round, unit and wave.
with holding_rows as (
    select
        *,
        row_number() over (partition by round, wave, unit_key order by role_rank, source) as source_rank
    from {{ ref('int_frame_rows') }}
    where unit_row_rank = 1 and site is not null
),

-- A unit listed in one source and assigned in another: each fact from the first source that tells it.
units as (
    select
        round,
        wave,
        unit_key,
        min_by(is_randomised, source_rank) as is_randomised,
        min_by(unit_id, source_rank) as unit_id,
        min_by(site, source_rank) as site,
        min_by(arm, source_rank) filter (where arm is not null) as arm,
        min_by(cluster_code, source_rank) filter (where cluster_code is not null) as cluster_code,
        min_by(block_code, source_rank) filter (where block_code is not null) as block_code,
        min_by(weight_text, source_rank) filter (where weight_text is not null) as weight_text,
        min_by(replaces_unit_key, source_rank) filter (where replaces_unit_key is not null) as replaces_unit_key,
        min_by(cohort, source_rank) filter (where cohort is not null) as cohort,
        min_by(frame, source_rank) as frame,
        min_by(source, source_rank) as source
    from holding_rows
    group by round, wave, unit_key
),

-- A replacement stands where the replaced one stood, also along a chain; the depth ends a circle.
{{ replacement_chains('units') }},

replaced_units as (
    select distinct
        round,
        wave,
        replaces_unit_key as unit_key
    from units
    where replaces_unit_key is not null
)

select
    units.round,
    units.is_randomised,
    units.unit_key,
    units.unit_id,
    units.site,
    coalesce(units.arm, inherited.arm) as arm,
    units.site || ':' || coalesce(units.cluster_code, inherited.cluster_code) as cluster_id,
    units.site || ':' || coalesce(units.block_code, inherited.block_code) as block_id,
    {{ unit_weight('units.weight_text') }} as weight,
    units.replaces_unit_key,
    units.replaces_unit_key is not null as is_replacement,
    replaced_units.unit_key is not null as is_replaced,
    coalesce(units.cohort, inherited.cohort) as cohort,
    units.wave,
    units.frame,
    units.source
from units
left join inherited
    on
        units.round = inherited.round
        and units.wave is not distinct from inherited.wave
        and units.unit_key = inherited.unit_key
left join replaced_units
    on
        units.round = replaced_units.round
        and units.wave is not distinct from replaced_units.wave
        and units.unit_key = replaced_units.unit_key
