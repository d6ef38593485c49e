-- noqa: disable=LT02
{#- Invariant: none of the columns is null in any row; one test for all, since each costs every night its start. -#}
{% test never_null(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    where
        {%- for column in columns %}
        {{ 'or ' if not loop.first }}{{ column }} is null
        {%- endfor %}
{% endtest %}
