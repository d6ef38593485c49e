-- noqa: disable=LT02
{#- What follows from the two sides of a retention, whichever estimator both have: used for the headline, and beside it
    for every other estimator under its own name. -#}

{#- Whether both sides have what a retention needs. -#}
{% macro sides_are_complete() -%}
    coalesce(
        pilot_se > 0 and pilot_df > 0 and isfinite(pilot_estimate)
        and scaled_se > 0 and scaled_df > 0 and isfinite(scaled_estimate), false
    )
{%- endmacro %}

{#- Change, contrast and claim for every pair of sides; multiplicity comes after.
    a and b are the pilot's and the scaled effect, oriented so that more is better. The two are independent: no site is
    on both sides, and no unit or cluster at two sites of a wave.

    In: a relation with a row for each pair: analysis, indicator, wave, look, is_complete and the two sides. -#}
{% macro retention_claims(sides) -%}
with oriented as (
    select
        s.*,
        i.retention_margin as margin,
        i.smallest_effect,
        {{ better_sign('i.direction') }} as sign,
        sign * s.pilot_estimate as a,
        s.pilot_se as sa,
        s.pilot_df as dfa,
        sign * s.scaled_estimate as b,
        s.scaled_se as sb,
        s.scaled_df as dfb,
        b - i.retention_margin * a as contrast,
        sqrt(sb ** 2 + (i.retention_margin * sa) ** 2) as contrast_se,
        {{ contrast_df('i.retention_margin', 's.pilot_se', 's.pilot_df', 's.scaled_se', 's.scaled_df') }}
            as contrast_df,
        s.scaled_estimate - s.pilot_estimate as change,
        sqrt(sa ** 2 + sb ** 2) as change_se,
        {{ contrast_df('1', 's.pilot_se', 's.pilot_df', 's.scaled_se', 's.scaled_df') }} as change_df,
        coalesce(l.alpha, 0.05) as alpha
    from {{ sides }} as s
    inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
    -- once the waves are closed, the last look's share of the 5% is left
    left join {{ ref('int_looks') }} as l
        on s.analysis = l.analysis and coalesce(s.look = l.look, l.is_last)
),

bounds as (
    select
        *,
        {{ bound_p_values() }},
        {%- for suffix, quantile in [('', 't_quantile(0.975, change_df)'), ('_normal', 'normal_quantile(0.975)')] %}
            change - {{ quantile }} * change_se as change_low{{ suffix }},
            change + {{ quantile }} * change_se as change_high{{ suffix }},
        {%- endfor %}
        change / nullif(change_se, 0) as change_z,
        2 * t_cdf(-abs(change_z), change_df) as p_change,
        2 * normal_cdf(-abs(change_z)) as p_change_normal,
        contrast / nullif(contrast_se, 0) as contrast_z,
        normal_cdf(-contrast_z) as p_kept_normal
    from oriented
)

select
    *,
    case
        when greatest(sign * change_low, sign * change_high) < 0 then 'attenuated'
        when least(sign * change_low, sign * change_high) > 0 then 'amplified'
        when change_se is not null then 'no_detectable_change'
    end as change_verdict,
    estimator in ('equal_mean', 'eligible_weighted_mean', 'network') and least(dfa, dfb) < 4 as has_too_few,
    {{ claim() }}
from bounds
{%- endmacro %}

{#- How much of the pilot's effect was kept, as a ratio: Fieller's set, and beside it, each under its own name, the
    delta method (se^2 = sb^2 / a^2 + b^2 sa^2 / a^4), the logarithm (se^2 = sb^2 / b^2 + sa^2 / a^2, where both effects have
    one sign), the interval in which an effect at scale lies if it equals the pilot's (a -+ q sqrt(sa^2 + sb^2)), and
    the share of draws that keep the margin: with a + sa T and b + sb T drawn independently, the chance that b >= m a.
    Suffix _normal: normal quantiles; none: Student's t with the smaller of the two degrees of freedom, and for the
    draws with each side's own, by numerical integration. ratio_ columns stand whatever the set; retention only if bounded.

    In: a relation made by retention_claims, and the columns that are its key. -#}
{% macro retention_ratios(claims, key='analysis, indicator, wave') -%}
with sides as (
    select
        *,
        least(dfa, dfb) as retention_df,
        t_quantile(0.975, retention_df) as q,
        normal_quantile(0.975) as q_normal,
        {{ finite('b / nullif(a, 0)') }} as ratio,
        {{ finite('sqrt((sb / a) ** 2 + (ratio * sa / a) ** 2)') }} as ratio_delta_se,
        case when a * b > 0 then ln(ratio) end as log_ratio,
        case when a * b > 0 then {{ finite('sqrt((sb / b) ** 2 + (sa / a) ** 2)') }} end as log_ratio_se
    from {{ claims }}
    where is_complete
),

sets as (
    select
        *,
        {{ fieller('retention', '', 'a', 'sa', 'b', 'sb', 'q') }},
        {{ fieller('retention', '_normal', 'a', 'sa', 'b', 'sb', 'q_normal') }}
    from sides
)

select
    {{ key }},
    retention_df,
    ratio,
    1 - ratio as voltage_drop,
    case when retention_set = 'bounded' then ratio end as retention,
    {%- for suffix in ['', '_normal'] %}
        {%- for name in [
            'retention_set', 'retention_shape', 'retention_low', 'retention_high', 'retention_excluded_low',
            'retention_excluded_high', 'fieller_g'
        ] %}
            {{ name }}{{ suffix }},
        {%- endfor %}
        {%- for bound, sign in [('low', '-'), ('high', '+')] %}
            ratio {{ sign }} q{{ suffix }} * ratio_delta_se as ratio_{{ bound }}_delta{{ suffix }},
            {{ finite('exp(log_ratio ' ~ sign ~ ' least(q' ~ suffix ~ ' * log_ratio_se, 1000))') }}
                as ratio_{{ bound }}_log{{ suffix }},
        {%- endfor %}
    {%- endfor %}
    ratio_delta_se,
    log_ratio,
    log_ratio_se,
    {%- for suffix, quantile in [('', 't_quantile(0.975, change_df)'), ('_normal', 'q_normal')] %}
        pilot_estimate - {{ quantile }} * change_se as replication_low{{ suffix }},
        pilot_estimate + {{ quantile }} * change_se as replication_high{{ suffix }},
        abs(change) <= {{ quantile }} * change_se as is_replicated{{ suffix }},
    {%- endfor %}
    t_sum_above_zero(contrast, sb, dfb, margin * sa, dfa) * 100 as share_of_draws_kept_pct,
    normal_cdf(contrast_z) * 100 as share_of_draws_kept_normal_pct
from sets
{%- endmacro %}

{#- The numbers of a pair of sides, in the order in which they stand. -#}
{% macro pair_numbers() -%}
    {{ return([
        'retention', 'retention_low', 'retention_high', 'retention_df', 'retention_low_normal', 'retention_high_normal',
        'retention_shape', 'retention_shape_normal',
        'ratio', 'voltage_drop', 'ratio_delta_se', 'ratio_low_delta', 'ratio_high_delta', 'ratio_low_delta_normal',
        'ratio_high_delta_normal', 'log_ratio', 'log_ratio_se', 'ratio_low_log', 'ratio_high_log',
        'ratio_low_log_normal', 'ratio_high_log_normal', 'fieller_g', 'fieller_g_normal',
        'retention_excluded_low', 'retention_excluded_high', 'retention_excluded_low_normal',
        'retention_excluded_high_normal',
        'replication_low', 'replication_high', 'replication_low_normal', 'replication_high_normal', 'is_replicated',
        'is_replicated_normal', 'share_of_draws_kept_pct', 'share_of_draws_kept_normal_pct',
        'change', 'change_se', 'change_df', 'change_low', 'change_high', 'change_low_normal', 'change_high_normal',
        'p_change', 'p_change_normal', 'contrast', 'contrast_se', 'contrast_df', 'p_kept', 'p_kept_normal'
    ]) }}
{%- endmacro %}

{#- The same, and those of the pilot corrected: for its selection, and by empirical Bayes. -#}
{% macro retention_numbers() -%}
    {{ return(pair_numbers() + [
        'pilot_corrected_estimate', 'pilot_corrected_low', 'pilot_corrected_high', 'selection_threshold',
        'retention_corrected', 'retention_corrected_low', 'retention_corrected_high', 'pilot_eb_tau2',
        'pilot_eb_shrinkage_pct', 'pilot_eb_estimate', 'pilot_eb_se', 'pilot_eb_df', 'pilot_eb_low', 'pilot_eb_high',
        'retention_eb', 'retention_eb_low', 'retention_eb_high'
    ]) }}
{%- endmacro %}
