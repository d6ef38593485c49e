{#- Invariant: no two rows agree on all of these columns; nulls count as equal. -#}
{% test one_row_per(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as rows_found
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
