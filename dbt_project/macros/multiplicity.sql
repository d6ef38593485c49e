{#- A p-value adjusted for its fellows, `family` being the list of all p-values tested together, its own among them.

    Holm (1979): the largest, over the p-values p_j up to its own, of p_j times the number of p-values not below p_j.
    Benjamini and Hochberg (1995): the least, over those p_j from its own up, of m p_j over the number not above p_j.
    Both at most 1, ties alike, whatever the order of the list. -#}
{% macro holm(p, family) -%}
    list_max(list_transform(
        list_filter({{ family }}, lambda x: x <= {{ p }}),
        lambda x: least(1, x * len(list_filter({{ family }}, lambda k: k >= x)))
    ))
{%- endmacro %}

{% macro benjamini_hochberg(p, family) -%}
    list_min(list_transform(
        list_filter({{ family }}, lambda x: x >= {{ p }}),
        lambda x: least(1, len({{ family }}) * x / len(list_filter({{ family }}, lambda k: k <= x)))
    ))
{%- endmacro %}
