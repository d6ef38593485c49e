-- The states of a frame's units add up to the frame: beside a small one a second is hidden.
{%- set states = ['complete', 'refused', 'moved', 'dead', 'not_found', 'not_yet', 'other', 'unaccounted'] %}
with counts as (
    select
        site,
        wave,
        disposition,
        count(*) as n
    from {{ ref('int_dispositions') }}
    group by site, wave, disposition
),

hidden as (
    select
        counts.*,
        {{ is_hidden_together(is_small('n'), 'n', 'site, wave', 'n, disposition') }} as is_hidden
    from counts
    cross join {{ source('registry', 'programme') }} as programme
),

dispositions as (
    select
        site,
        wave,
        {%- for state in states %}
            {%- set of_state = "filter (where disposition = '" ~ state ~ "')" %}
            coalesce(sum(n) {{ of_state }}, 0) as {{ state }},
            coalesce(bool_or(is_hidden) {{ of_state }}, false) as is_{{ state }}_hidden,
        {%- endfor %}
        sum(n) as frame_units
    from hidden
    group by site, wave
),

strangers as (
    select
        site_found as site,
        wave,
        count(distinct unit_key) as outside_frame
    from {{ ref('int_measurements') }}
    where not is_in_frame
    group by site_found, wave
),

counted as (
    select
        site_waves.*,
        {% for state in states -%}
            {{ suppress_count('coalesce(dispositions.' ~ state ~ ', 0)', 'dispositions.is_' ~ state ~ '_hidden') }}
                as {{ state }}_count,
        {% endfor -%}
        {{ suppress_count('coalesce(dispositions.frame_units, 0)') }} as frame_unit_count,
        {{ suppress_count('coalesce(strangers.outside_frame, 0)') }} as outside_frame_count
    from {{ source('registry', 'site_waves') }} as site_waves
    cross join {{ source('registry', 'programme') }} as programme
    left join dispositions using (site, wave)
    left join strangers using (site, wave)
)

select
    counted.site,
    counted.wave,
    waves.title,
    waves.wave_order::integer as wave_order,
    waves.is_baseline,
    counted.state,
    counted.from_date,
    counted.closes_date,
    counted.frozen_date,
    counted.frame_unit_count,
    counted.complete_count,
    counted.refused_count,
    counted.moved_count,
    counted.dead_count,
    counted.not_found_count,
    counted.not_yet_count,
    counted.other_count,
    counted.unaccounted_count,
    counted.outside_frame_count,
    case
        when counted.frame_unit_count > 0
            then least(100.0 * counted.complete_count / counted.frame_unit_count, 100)
    end::double as follow_up_pct
from counted
inner join {{ source('registry', 'waves') }} as waves using (wave)
