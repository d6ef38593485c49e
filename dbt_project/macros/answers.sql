{#- The numbers of an answer to a registered question, and when two answers are one and the same. -#}
{% macro answer_numbers() -%}
    {{ return([
        'effect', 'effect_se', 'pilot_estimate', 'pilot_se', 'scaled_estimate', 'scaled_se', 'retention',
        'retention_low', 'retention_high'
    ]) }}
{%- endmacro %}

{#- What tells an answer from another: its verdict, and its numbers to the ninth digit. -#}
{% macro answer_key(answers) -%}
    {{ answers }}.verdict
    {%- for number in answer_numbers() %}
        || '|' || coalesce(printf('%.8e', {{ answers }}.{{ number }}), 'none')
    {%- endfor %}
{%- endmacro %}
