-- noqa: disable=LT02
{#- What the frame's rows tell of each unit beside its place, such as its subgroups: one value for each round, unit and
    subject, from the earliest wave that tells it. `staged` holds them by source and record. -#}
{% macro earliest_told(staged, subject, value) -%}
    select
        frame_rows.round,
        frame_rows.unit_key,
        staged.{{ subject }},
        staged.{{ value }}
    from {{ ref('int_frame_rows') }} as frame_rows
    inner join {{ staged }} as staged
        on frame_rows.source = staged.source and frame_rows.record_id = staged.record_id
    left join {{ source('registry', 'waves') }} as waves on frame_rows.wave = waves.wave
    where frame_rows.unit_row_rank = 1 and frame_rows.site is not null
    qualify row_number() over (
        partition by frame_rows.round, frame_rows.unit_key, staged.{{ subject }}
        order by waves.wave_order nulls first, frame_rows.role_rank, frame_rows.source
    ) = 1
{%- endmacro %}
