{#- Rules that facts measure with their own SQL; every other type is counted from registry.rule_terms. -#}
{% macro structural_rule_types() -%}
    'key_unique', 'in_frame', 'frame_unique', 'claimed_once',
    'volume_against_frame', 'arm_shares', 'freshness', 'delivered'
{%- endmacro %}

{#- Rules about how much has arrived: they say nothing while a wave is still in the field. -#}
{% macro closed_wave_rule_types() -%}
    'volume_against_frame', 'required_answered', 'delivered'
{%- endmacro %}
