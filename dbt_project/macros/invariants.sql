{#- Judges what a model's YAML says of its rows, as the last statement of the model itself; a breach fails the model,
    so that nothing is built on it. A dbt test each would say the same, but starting some two hundred of them took
    a third of a night's models.
        meta of the model: one_row_per: [columns], a key, none of it null but those in may_be_null: [columns];
            never_null: [columns]. Columns marked `key: true` are the key where one_row_per is not given.
        meta of a column: one_of: [words], or null; never_null: true -#}
{% macro invariants() %}
    {%- if not execute %}{{ return('') }}{% endif %}
    {%- set meta = model.config.meta %}
    {%- set found = namespace(key=[], never_null=meta.get('never_null', []) | list, words=[]) %}
    {%- for column in model.columns.values() %}
        {%- set said = column.config.meta %}
        {%- if said.get('key') %}{% set found.key = found.key + [column.name] %}{% endif %}
        {%- if said.get('never_null') %}{% set found.never_null = found.never_null + [column.name] %}{% endif %}
        {%- if said.get('one_of') %}{% set found.words = found.words + [(column.name, said.one_of)] %}{% endif %}
    {%- endfor %}
    {%- set key = meta.get('one_row_per', found.key) %}
    {%- for name in key if name not in meta.get('may_be_null', []) %}
        {%- set found.never_null = found.never_null + [name] %}
    {%- endfor %}
    {%- set breaches = [] %}
    {%- if key %}
        {%- do breaches.append(breach(
            'more than one row per ' ~ key | join(', '),
            'group by ' ~ key | join(', ') ~ ' having count(*) > 1'
        )) %}
    {%- endif %}
    {%- for name in found.never_null | unique %}
        {%- do breaches.append(breach(name ~ ' is null', 'where ' ~ name ~ ' is null')) %}
    {%- endfor %}
    {%- for name, words in found.words %}
        {%- do breaches.append(breach(
            name ~ ' is none of ' ~ words | join(', '),
            'where ' ~ name ~ " not in ('" ~ words | join("', '") ~ "')"
        )) %}
    {%- endfor %}
    {#- Counted, since dbt takes no row of a hook's result and DuckDB reckons none that nobody takes. #}
    {%- if breaches %}select count(told) from ({{ breaches | join(' union all ') }}){% endif %}
{% endmacro %}

{#- A select that ends the model with these words where the relation, filtered or grouped, has a row. -#}
{% macro breach(words, rows) %}
    {%- set told = (model.name ~ ': ' ~ words) | replace("'", "''") -%}
    select case when exists (select 1 from {{ this }} {{ rows }}) then error('{{ told }}') end as told
{%- endmacro %}
