-- noqa: disable=LT02
{#- Invariant: the columns are a key. None is null but those named in `may_be_null`, and no two rows agree on all. -#}
{% test one_row_per(model, columns, may_be_null=[]) %}
    select {{ columns | join(', ') }}, count(*) as rows_found
    from {{ model }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns if column not in may_be_null %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
