-- noqa: disable=LT02
{#-
  One aspect of a cell compared with the reference: a struct of the aspect, the difference found (a key of
  registry.comparability_rules; `undeclared` and `unregistered` are no difference), and words on it.

  - aspect: its name.
  - cases: list of (condition, difference), tried in order; none of them is `none`, the same as the reference.
  - asked, reference: SQL text of the two sides, for the words.
-#}
{% macro finding(aspect, cases, asked='null', reference='null') -%}
    {
        'aspect': '{{ aspect }}',
        'difference': case
            {% for condition, difference in cases -%}
                when {{ condition }} then {{ difference }}
            {% endfor -%}
            else 'none'
        end,
        'asked': ({{ asked }})::varchar,
        'reference': ({{ reference }})::varchar
    }
{%- endmacro %}

{#- The cases of an aspect that is the same or another, with nothing in between. -#}
{% macro same_or_not(asked, reference, difference) -%}
    {{ return([
        (reference ~ ' is null', "'unregistered'"),
        (asked ~ ' is null', "'undeclared'"),
        ("lower(trim(" ~ asked ~ ")) <> lower(trim(" ~ reference ~ "))", "'" ~ difference ~ "'"),
    ]) }}
{%- endmacro %}

{#- A number of days as people say it. -#}
{% macro days_words(days) -%}
    format('{:.10g} days', {{ days }})
{%- endmacro %}
