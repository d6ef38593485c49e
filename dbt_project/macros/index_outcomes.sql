-- noqa: disable=LT02
{#- Indices over the outcomes of their components: one pass over those outcomes for each index. -#}

{#- Every index with its components in order; numbers as text, so that no digit is lost on the way. -#}
{% macro index_definitions() -%}
    {%- set query -%}
        select
            i.indicator,
            i.min_answered,
            {{ plain_decimal(steps_per_unit('i.resolution')) }} as steps_per_unit,
            i.index_mean::varchar as index_mean,
            i.index_sd::varchar as index_sd,
            list({
                'component': x.component, 'mean': x.mean::varchar, 'sd': x.sd::varchar, 'sign': x.sign,
                'weight': x.weight::varchar, 'resolution': {{ plain_decimal('c.resolution') }}
            } order by x.component_order) as components
        from {{ source('registry', 'index_components') }} as x
        inner join {{ source('registry', 'indicators') }} as i on x.indicator = i.indicator
        inner join {{ source('registry', 'indicators') }} as c on x.component = c.indicator
        group by i.indicator, i.indicator_order, i.min_answered, i.resolution, i.index_mean, i.index_sd
        order by i.indicator_order, i.indicator
    {%- endset -%}
    {{ return(registry_rows(query)) }}
{%- endmacro %}

{% macro index_outcomes(outcomes, waves) -%}
    {%- set branches = [] -%}
    {%- for index in index_definitions() -%}
        {%- do branches.append(index_branch(index, outcomes, waves)) -%}
    {%- endfor -%}
    {{ one_under_another(branches, {
        'indicator': 'varchar', 'wave': 'varchar', 'unit_key': 'varchar', 'site_found': 'varchar',
        'record_id': 'varchar', 'value_steps': 'bigint', 'exposure_steps': 'bigint', 'baseline_steps': 'bigint',
        'why_missing': 'varchar'
    }) }}
{%- endmacro %}

{#- Sums of doubles are written out in the order of the components, so that a unit's index is the same on every run. -#}
{% macro index_branch(index, outcomes, waves) -%}
    select
        {{ sql_text(index.indicator) }} as indicator,
        own.wave,
        own.unit_key,
        own.site_found,
        own.record_id,
        case when own.why_missing is null then own.steps end as value_steps,
        case when own.why_missing is null then 1::bigint end as exposure_steps,
        base.steps as baseline_steps,
        own.why_missing
    from {{ index_values(index, outcomes) }} as own
    left join (
        select unit_key, before.wave, steps
        from {{ index_values(index, outcomes) }} as before
        inner join {{ waves }} as waves on before.wave = waves.wave and waves.is_baseline
        where before.why_missing is null
    ) as base on own.unit_key = base.unit_key and own.wave <> base.wave
{%- endmacro %}

{#- One row per wave and unit: `steps` and `why_missing`. -#}
{% macro index_values(index, outcomes) -%}
    {%- set names = index.components | map(attribute='component') | list -%}
    {%- set mean = index.index_mean or '0' -%}
    {%- set sd = index.index_sd or '1' -%}
    (
        with wide as (
            select
                wave,
                unit_key,
                min(site_found) as site_found,
                min(site_found) <> max(site_found) as is_apart,
                case when min(record_id) = max(record_id) and count(record_id) = {{ names | length }}
                    then min(record_id) end as record_id,
                bool_and(why_missing is not distinct from 'disposition') as is_missed,
                bool_or(why_missing is not distinct from 'not_in_frame') as is_outside
                {%- for part in index.components %},
                {{ part.sign }} * (
                    max(value_steps) filter (where indicator = {{ sql_text(part.component) }})::double
                    * {{ part.resolution }}::double - {{ part.mean }}::double
                ) / {{ part.sd }}::double as z_{{ loop.index }}
                {%- endfor %}
            from {{ outcomes }}
            where indicator in ({{ sql_texts(names) }})
            group by wave, unit_key
        ),
        summed as (
            select
                *,
                {% for part in index.components -%}
                    (z_{{ loop.index }} is not null)::int{{ ' + ' if not loop.last }}
                {%- endfor %} as answered,
                {% for part in index.components -%}
                    case when z_{{ loop.index }} is null then 0 else {{ part.weight }}::double end
                    {{- ' + ' if not loop.last }}
                {%- endfor %} as weight,
                {% for part in index.components -%}
                    coalesce({{ part.weight }}::double * z_{{ loop.index }}, 0){{ ' + ' if not loop.last }}
                {%- endfor %} as total
            from wide
        ),
        scored as (
            select
                *,
                case when weight > 0 then (total / weight - {{ mean }}::double) / {{ sd }}::double end as score,
                cast(try_cast(round(score * {{ index.steps_per_unit }}::double) as decimal(12, 0)) as bigint) as steps
            from summed
        )
        select
            wave, unit_key, site_found, record_id, steps,
            case
                when is_missed then 'disposition'
                when is_outside then 'not_in_frame'
                when is_apart then 'measured_apart'
                when answered < {{ index.min_answered or names | length }} then 'too_few_answered'
                when weight <= 0 then 'no_weight'
                when steps is null then 'too_large'
            end as why_missing
        from scored
    )
{%- endmacro %}
