{#- What may be claimed of a pilot's and a scaled effect, and the p-value of that claim.

    Both effects are oriented by the registered direction, never by the observed sign: a harmful pilot is not
    established. m is the retention margin, delta the smallest effect that matters. First match wins:
        reversed          upper 97.5% bound of b below 0
        not_established   lower 97.5% bound of a not above 0: nothing is claimed of retention
        held              lower 95% bound of b - m a above 0, and lower 97.5% bound of b above 0
        faded             upper 95% bound of b - m a below 0; _negligible if the 90% interval of b lies inside
                          +-delta (two one-sided tests), else _partial if the lower 97.5% bound of b is above 0
        inconclusive      otherwise
    Each bound is a one-sided test; its p-value is put on a common 5% scale (p * 0.05 / alpha), and the claim's is the
    largest of its bounds' (intersection-union), the pilot's establishment among them. No claim has p = 1.

    In: a relation with key, a, sa, dfa, b, sb, dfb (oriented), contrast, contrast_se, contrast_df, smallest_effect.
    Out: key, claim, p_claim. -#}
{% macro verdict(sides, key) %}
with bounds as (
    select
        {{ key }},
        2 * t_cdf(b / sb, dfb) as p_reversed,
        2 * t_cdf(-a / sa, dfa) as p_established,
        2 * t_cdf(-b / sb, dfb) as p_effect,
        t_cdf(-contrast / contrast_se, contrast_df) as p_kept,
        t_cdf(contrast / contrast_se, contrast_df) as p_lost,
        coalesce(
            greatest(t_cdf(-(b + smallest_effect) / sb, dfb), t_cdf((b - smallest_effect) / sb, dfb)), 1
        ) as p_negligible
    from {{ sides }}
),

claims as (
    select
        *,
        case
            when p_reversed < 0.05 then 'reversed'
            when p_established >= 0.05 then 'not_established'
            when p_kept < 0.05 and p_effect < 0.05 then 'held'
            when p_lost < 0.05 and p_negligible < 0.05 then 'faded_negligible'
            when p_lost < 0.05 and p_effect < 0.05 then 'faded_partial'
            when p_lost < 0.05 then 'faded'
            else 'inconclusive'
        end as claim
    from bounds
)

select
    {{ key }},
    claim,
    case claim
        when 'reversed' then p_reversed
        when 'held' then greatest(p_kept, p_effect, p_established)
        when 'faded_negligible' then greatest(p_lost, p_negligible, p_established)
        when 'faded_partial' then greatest(p_lost, p_effect, p_established)
        when 'faded' then greatest(p_lost, p_established)
        else 1
    end as p_claim
from claims
{% endmacro %}
