{#- Hedges' small-sample factor J for a standard deviation with df degrees of freedom.

    J = exp(lgamma(df/2) - ln(df/2)/2 - lgamma((df-1)/2)); from 1,000 degrees of freedom on the series
    1 - 3/(4 df) - 7/(32 df^2) - 9/(128 df^3), since the difference of lgammas cancels (Hedges 1981). -#}
{% macro hedges_correction(df) -%}
    case
        when {{ df }} < 2 then null
        when {{ df }} < 1000 then exp(lgamma({{ df }} / 2) - ln({{ df }} / 2) / 2 - lgamma(({{ df }} - 1) / 2))
        else 1 - 3 / (4 * {{ df }}) - 7 / (32 * {{ df }} ** 2) - 9 / (128 * {{ df }} ** 3)
    end
{%- endmacro %}

{#- Variance of Hedges' g. Independent units: 1/n_1 + 1/n_0 + g^2 / (2 (n_1 + n_0)), metafor's LS. Otherwise
    (J/s)^2 * se^2 + g^2 / (2 df), with the robust standard error of the difference and its degrees of freedom: an
    approximation, since clusters also make the standard deviation less certain than its n suggests. -#}
{% macro hedges_variance(g, scale, estimate_se, df, n1, n0, is_independent) -%}
    case
        when {{ is_independent }} then 1 / {{ n1 }} + 1 / {{ n0 }} + {{ g }} ** 2 / (2 * ({{ n1 }} + {{ n0 }}))
        else ({{ scale }} * {{ estimate_se }}) ** 2 + {{ g }} ** 2 / (2 * {{ df }})
    end
{%- endmacro %}
