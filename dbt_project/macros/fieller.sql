-- noqa: disable=LT02
{#- Fieller's confidence set for the ratio b / a of two independent estimates, as the columns of a select list.

    With the quantile q: A = a^2 - q^2 sa^2, B = a b, C = b^2 - q^2 sb^2. A > 0: (B -+ sqrt(B^2 - A C)) / A, bounded.
    Otherwise the set is a complement or the whole line: `not_estimable`, and no bound is given (Fieller 1954).
    g = q^2 sa^2 / a^2 tells how far: the set is bounded where g < 1. What the set leaves out, where it is a complement,
    lies between the same two roots.

    In: SQL expressions. Out: columns fieller_g<suffix>, <name>_set<suffix>, <name>_shape<suffix>, <name>_low<suffix>,
    <name>_high<suffix>, <name>_excluded_low<suffix>, <name>_excluded_high<suffix>, and fieller_a, _b, _c, _d. -#}
{% macro fieller(name, suffix, a, sa, b, sb, quantile) -%}
    {{ a }} ** 2 - {{ quantile }} ** 2 * {{ sa }} ** 2 as fieller_a{{ suffix }},
    {{ a }} * {{ b }} as fieller_b{{ suffix }},
    {{ b }} ** 2 - {{ quantile }} ** 2 * {{ sb }} ** 2 as fieller_c{{ suffix }},
    greatest(0, fieller_b{{ suffix }} ** 2 - fieller_a{{ suffix }} * fieller_c{{ suffix }}) as fieller_d{{ suffix }},
    {{ finite(quantile ~ ' ** 2 * (' ~ sa ~ ' / nullif(' ~ a ~ ', 0)) ** 2') }} as fieller_g{{ suffix }},
    case
        when fieller_a{{ suffix }} > 0 then 'bounded'
        when fieller_a{{ suffix }} <= 0 then 'not_estimable'
        else 'not_applicable'
    end as {{ name }}_set{{ suffix }},
    case
        when fieller_a{{ suffix }} > 0 then 'bounded'
        when fieller_a{{ suffix }} < 0 and fieller_b{{ suffix }} ** 2 > fieller_a{{ suffix }} * fieller_c{{ suffix }}
            then 'complement'
        when fieller_a{{ suffix }} <= 0 then 'whole_line'
    end as {{ name }}_shape{{ suffix }},
    {%- for shape, place in [('bounded', ''), ('complement', '_excluded')] %}
        {%- for bound in ['low', 'high'] %}
            case when {{ name }}_shape{{ suffix }} = '{{ shape }}' then (
                fieller_b{{ suffix }} {{ '-' if (bound == 'low') == (shape == 'bounded') else '+' }}
                sqrt(fieller_d{{ suffix }})
            ) / fieller_a{{ suffix }} end as {{ name }}{{ place }}_{{ bound }}{{ suffix }}
            {{- ',' if not (bound == 'high' and shape == 'complement') }}
        {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{#- Degrees of freedom of b - m a, independent estimates (Satterthwaite 1946); infinite if both
    are, null where neither has an error. -#}
{% macro contrast_df(m, sa, dfa, sb, dfb) -%}
    case
        when isinf({{ dfa }}) and isinf({{ dfb }}) then 'infinity'::double
        else ({{ sb }} ** 2 + ({{ m }} * {{ sa }}) ** 2) ** 2
            / nullif({{ sb }} ** 4 / {{ dfb }} + ({{ m }} * {{ sa }}) ** 4 / {{ dfa }}, 0)
    end
{%- endmacro %}

{#- The sign that turns an effect so that more is better: by the registered direction, never by the observed sign. -#}
{% macro better_sign(direction) -%}
    case when {{ direction }} = 'lower_is_better' then -1 else 1 end
{%- endmacro %}

{#- A number, or null where it went beyond what a double holds. -#}
{% macro finite(number) -%}
    case when isfinite({{ number }}) then {{ number }} end
{%- endmacro %}
