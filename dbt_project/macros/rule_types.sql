-- noqa: disable=LT02
{#- What every rule found, one model's rows under another's by the names of their columns: rule, site, wave, violations,
    denominator; where a model tells them also indicator (else the row holds for all of them), measured (else it is
    violations / denominator in percent), threshold_here (a limit that goes before the rule's) and
    why_not_applicable. -#}
{% macro found_facts() -%}
    {%- set models = [
        'int_fact_answers', 'int_fact_submissions', 'int_fact_frame', 'int_fact_deliveries',
        'int_fact_arms', 'int_fact_aggregates',
        'int_fact_records', 'int_fact_sources', 'int_fact_units', 'int_fact_identities', 'int_fact_balance',
        'int_fact_interviews', 'int_fact_enumerators', 'int_fact_near_duplicates', 'int_fact_back_checks'
    ] -%}
    {%- for model in models %}
    select * from {{ ref(model) }}
    {{ 'union all by name' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The rules of some types, once each: what a facts model measures them by. -#}
{% macro rules_of(types) -%}
    (
        select distinct
            rule,
            rule_type,
            threshold,
            parameters
        from {{ source('registry', 'rules') }}
        where rule_type in ('{{ types | join("', '") }}')
    )
{%- endmacro %}

{#- Rules that facts measure with their own SQL; every other type is counted from registry.rule_terms. -#}
{% macro structural_rule_types() -%}
    'key_unique', 'in_frame', 'frame_unique', 'claimed_once',
    'volume_against_frame', 'arm_shares', 'freshness', 'delivered', {{ aggregate_rule_types() }},
    {{ interview_rule_types() }}
{%- endmacro %}

{#- Rules over what was sent instead of people's rows; no other rule has anything to look at there. -#}
{% macro aggregate_rule_types() -%}
    'aggregate_consistent'
{%- endmacro %}

{#- Rules about how much has arrived: they say nothing while a wave is still in the field. -#}
{% macro closed_wave_rule_types() -%}
    'volume_against_frame', 'required_answered', 'form_required', 'delivered',
    'cluster_counts', 'disposition_share', 'ids_vanish', 'attrition', 'attrition_differential'
{%- endmacro %}

{#- Rules about whether data keep up with the fieldwork: they say nothing once a wave is out of the field. -#}
{% macro field_rule_types() -%}
    'freshness', 'lateness', 'shrinkage'
{%- endmacro %}

{#- Rules that forms state about their own answers. They say nothing where nothing of theirs was delivered: whether
    answers are there is for other rules to ask. -#}
{% macro form_rule_types() -%}
    'form_constraint', 'form_relevance', 'form_required'
{%- endmacro %}
