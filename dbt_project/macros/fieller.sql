{#- Fieller's confidence set for the ratio b / a of two independent estimates, as the columns of a select list.

    With the quantile q: A = a^2 - q^2 sa^2, B = a b, C = b^2 - q^2 sb^2. A > 0: (B -+ sqrt(B^2 - A C)) / A, bounded.
    Otherwise the set is a complement or the whole line: `not_estimable`, and no bound is given (Fieller 1954).

    In: SQL expressions. Out: columns <name>_set<suffix>, <name>_low<suffix>, <name>_high<suffix>. -#}
{% macro fieller(name, suffix, a, sa, b, sb, quantile) -%}
    {{ a }} ** 2 - {{ quantile }} ** 2 * {{ sa }} ** 2 as fieller_a{{ suffix }},
    {{ a }} * {{ b }} as fieller_b{{ suffix }},
    {{ b }} ** 2 - {{ quantile }} ** 2 * {{ sb }} ** 2 as fieller_c{{ suffix }},
    fieller_b{{ suffix }} ** 2 - fieller_a{{ suffix }} * fieller_c{{ suffix }} as fieller_d{{ suffix }},
    case
        when fieller_a{{ suffix }} > 0 then 'bounded'
        when fieller_a{{ suffix }} <= 0 then 'not_estimable'
        else 'not_applicable'
    end as {{ name }}_set{{ suffix }},
    case when fieller_a{{ suffix }} > 0 then (fieller_b{{ suffix }} - sqrt(fieller_d{{ suffix }})) / fieller_a{{ suffix }}
    end as {{ name }}_low{{ suffix }},
    case when fieller_a{{ suffix }} > 0 then (fieller_b{{ suffix }} + sqrt(fieller_d{{ suffix }})) / fieller_a{{ suffix }}
    end as {{ name }}_high{{ suffix }}
{%- endmacro %}

{#- Degrees of freedom of b - m a, independent estimates (Satterthwaite 1946); infinite if both are. -#}
{% macro contrast_df(m, sa, dfa, sb, dfb) -%}
    case
        when isinf({{ dfa }}) and isinf({{ dfb }}) then 'infinity'::double
        else ({{ sb }} ** 2 + ({{ m }} * {{ sa }}) ** 2) ** 2
            / ({{ sb }} ** 4 / {{ dfb }} + ({{ m }} * {{ sa }}) ** 4 / {{ dfa }})
    end
{%- endmacro %}
