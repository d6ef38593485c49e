{#- Rules that facts measure with their own SQL; every other type is counted from registry.rule_terms. -#}
{% macro structural_rule_types() -%}
    'key_unique', 'in_frame', 'frame_unique', 'claimed_once',
    'volume_against_frame', 'arm_shares', 'freshness', 'delivered', {{ aggregate_rule_types() }}
{%- endmacro %}

{#- Rules over what was sent instead of people's rows; no other rule has anything to look at there. -#}
{% macro aggregate_rule_types() -%}
    'aggregate_consistent'
{%- endmacro %}

{#- Rules about how much has arrived: they say nothing while a wave is still in the field. -#}
{% macro closed_wave_rule_types() -%}
    'volume_against_frame', 'required_answered', 'form_required', 'delivered'
{%- endmacro %}

{#- Rules that forms state about their own answers. They say nothing where nothing of theirs was delivered: whether
    answers are there is for other rules to ask. -#}
{% macro form_rule_types() -%}
    'form_constraint', 'form_relevance', 'form_required'
{%- endmacro %}
