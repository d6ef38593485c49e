-- noqa: disable=LT02
{#- The words that stand beside published numbers, each said in one place. -#}

{#- The unit of an effect on its scale. -#}
{% macro effect_unit(measure, unit) -%}
case
        when {{ measure }} = 'hedges_g' then 'standard deviations'
        when {{ measure }} like 'log_%' then 'natural logarithm of a ratio'
        when {{ measure }} = 'arcsine_difference' then 'radians'
        when {{ unit }} = 'percent' then 'percentage points'
        else {{ unit }}
    end
{%- endmacro %}

{#- Whose effect it is: assignment as randomised, or arms as they were attended. -#}
{% macro contrast_words(is_randomised) -%}
case
        when {{ is_randomised }} then 'effect of being assigned, whatever was taken up'
        else 'difference by arm attended, not randomised'
    end
{%- endmacro %}

{#- The estimand of a number that stands for several sites: unit of weighting, and the sites it speaks for. -#}
{% macro estimand_words(is_randomised, unit, inference) -%}
    {{ contrast_words(is_randomised) }}
        || case {{ unit }}
            when 'person_weighted' then ', each eligible person counting alike'
            when 'site_mean' then ', each site counting alike'
            when 'precision_weighted' then ', each site counting by its precision'
            else ', in the network as one trial'
        end
        || case
            when {{ inference }} = 'population_of_sites' then ', for the population of sites like these'
            else ', for these sites'
        end
{%- endmacro %}

{#-
  The comparability class of a number, that of the worst site behind it; where no site is, the worst of those it asked.
  In: the relation of the number's row, with analysis, indicator and wave; which of its columns are the stage (`all` is
  over every stage) and the site (`network` is all of its stage); or the stages it stands for, as a list of words.
-#}
{% macro comparability_class(row, stage=none, site=none, stages=none) -%}
(
        select coalesce(max(s.comparability_class) filter (where s.state = 'included'), max(s.comparability_class))
        from {{ ref('int_analysis_sites') }} as s
        where
            s.analysis = {{ row }}.analysis and s.indicator = {{ row }}.indicator and s.wave = {{ row }}.wave
            {%- if stage %}
                and {{ row }}.{{ stage }} in ('all', s.stage, s.pool)
            {%- endif %}
            {%- if site %}
                and {{ row }}.{{ site }} in ('network', s.site)
            {%- endif %}
            {%- if stages %}
                and s.stage in ('{{ stages | join("', '") }}')
            {%- endif %}
    )
{%- endmacro %}

{#- The worst of a group's quality verdicts. -#}
{% macro worst_verdict(verdict) -%}
    max_by({{ verdict }}, list_position(['not_applicable', 'pass', 'warn', 'fail', 'error'], {{ verdict }}))
{%- endmacro %}

{#- Every column of the published tables as its YAML describes it, while models run; the graph is not there before. -#}
{% macro described_columns() %}
    {%- set described = [] -%}
    {%- if execute -%}
        {%- for model in graph.nodes.values() | selectattr('schema', 'equalto', 'published') | sort(attribute='name')
            if model.config.materialized == 'table' -%}
            {%- for column in model.columns.values() -%}
                {%- do described.append({
                    'table': model.name, 'order': loop.index, 'name': column.name, 'type': column.data_type,
                    'unit': column.config.meta.unit, 'is_key': column.config.meta.key | default(false),
                    'description': column.description | replace("'", "''")
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(described) }}
{% endmacro %}
