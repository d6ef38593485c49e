{#- What may be claimed of a pilot's and a scaled effect, and the p-value of that claim.

    Both effects are oriented by the registered direction, never by the observed sign: a harmful pilot is not
    established. m is the retention margin, delta the smallest effect that matters. First match wins:
        reversed          upper 97.5% bound of b below 0
        not_established   lower 97.5% bound of a not above 0: nothing is claimed of retention
        held              lower 95% bound of b - m a above 0, and lower 97.5% bound of b above 0
        faded             upper 95% bound of b - m a below 0; _negligible if the 90% interval of b lies inside
                          +-delta (two one-sided tests), else _partial if the lower 97.5% bound of b is above 0
        inconclusive      otherwise
    Each bound is a one-sided test; its p-value is put on a common 5% scale (p * 0.05 / its level), and the claim's is
    the largest of its bounds' (intersection-union), the pilot's establishment among them. No claim has p = 1. Where an
    analysis spends its 5% over several looks, every bound is held against that look's share, `alpha`, instead.

    The macros below are columns of one select list. `variant` names the pilot's: '' as estimated, '_corrected' for its
    selection; what speaks of the scaled effect alone is the same in both. -#}

{#- In: a, sa, dfa, b, sb, dfb (oriented), contrast, contrast_se, contrast_df, smallest_effect.
    Out: p_reversed, p_established, p_effect, p_kept, p_lost, p_negligible, on the common scale. -#}
{% macro bound_p_values() -%}
    2 * t_cdf(b / sb, dfb) as p_reversed,
    2 * t_cdf(-a / sa, dfa) as p_established,
    2 * t_cdf(-b / sb, dfb) as p_effect,
    t_cdf(-contrast / contrast_se, contrast_df) as p_kept,
    t_cdf(contrast / contrast_se, contrast_df) as p_lost,
    coalesce(
        greatest(t_cdf(-(b + smallest_effect) / sb, dfb), t_cdf((b - smallest_effect) / sb, dfb)), 1
    ) as p_negligible
{%- endmacro %}

{#- In: those p-values and alpha. Out: claim<variant>, p_claim<variant>. -#}
{% macro claim(variant='') -%}
    case
        when p_reversed is null or p_established{{ variant }} is null or p_kept{{ variant }} is null then null
        when p_reversed < alpha then 'reversed'
        when p_established{{ variant }} >= alpha then 'not_established'
        when p_kept{{ variant }} < alpha and p_effect < alpha then 'held'
        when p_lost{{ variant }} < alpha and p_negligible < alpha then 'faded_negligible'
        when p_lost{{ variant }} < alpha and p_effect < alpha then 'faded_partial'
        when p_lost{{ variant }} < alpha then 'faded'
        else 'inconclusive'
    end as claim{{ variant }},
    case claim{{ variant }}
        when 'reversed' then p_reversed
        when 'held' then greatest(p_kept{{ variant }}, p_effect, p_established{{ variant }})
        when 'faded_negligible' then greatest(p_lost{{ variant }}, p_negligible, p_established{{ variant }})
        when 'faded_partial' then greatest(p_lost{{ variant }}, p_effect, p_established{{ variant }})
        when 'faded' then greatest(p_lost{{ variant }}, p_established{{ variant }})
        else 1
    end as p_claim{{ variant }}
{%- endmacro %}

{#- What Holm's procedure runs over: an analysis' primary indicators and waves; what claims nothing counts with p = 1.
    In: analysis, is_tested, barred, p_claim<variant>. Out: p_tested<variant>, family<variant>. -#}
{% macro claim_family(variant='', within='analysis, is_tested') -%}
    coalesce(if(barred is null, p_claim{{ variant }}, 1), 1) as p_tested{{ variant }},
    list(p_tested{{ variant }}) over (partition by {{ within }}) as family{{ variant }}
{%- endmacro %}

{#- The verdict: what bars it, else the claim if it survives the other primary indicators.
    In: barred, alpha, claim<variant>, p_claim<variant>, p_holm<variant>. -#}
{% macro verdict(variant='') -%}
    case
        when barred is not null then barred
        when
            claim{{ variant }} not in ('not_established', 'inconclusive')
            and coalesce(p_holm{{ variant }}, p_claim{{ variant }}) > alpha
            then 'inconclusive'
        else coalesce(claim{{ variant }}, 'inconclusive')
    end
{%- endmacro %}
