-- The pilot corrected for the rule by which it was selected, beside the raw one.
-- Given that its estimate met the rule, a pilot's effect follows a normal distribution cut to the values that meet it
-- (macros of retention_functions): the estimate under which half of such pilots would lie below the one seen, and the
-- 95% interval by inverting that distribution. Retention, contrast and change are judged given the combination of both
-- effects that is independent of them. Finite degrees of freedom: the normal's standard error is t(0.975) / z(0.975)
-- times the estimate's, so that without a rule both intervals are one (an approximation).
-- Rules look at the effect oriented so that more is better: `significant` at alpha, two-sided or one-sided, with the
-- pilot's own degrees of freedom; `estimate_above` a value. low and high are their bounds in those standard errors.
with rules as (
    select
        c.*,
        a.pilot_selection,
        coalesce(a.selection_indicator, c.indicator) <> c.indicator as is_elsewhere,
        a.selection_indicator,
        {{ inflated_se('c.sa', 'c.dfa') }} as wa,
        {{ inflated_se('c.sb', 'c.dfb') }} as wb,
        coalesce(a.selection_sides, 'two') = 'two' and a.pilot_selection = 'significant' as is_two_sided,
        coalesce(a.selection_alpha, 0.05) / if(is_two_sided, 2, 1) as test_level,
        if(a.pilot_selection = 'significant', c.sa * t_quantile(1 - test_level, c.dfa), a.selection_value) as threshold,
        if(is_two_sided, abs(c.a), c.a) > threshold as is_met
    from {{ ref('int_retention_claims') }} as c
    inner join {{ source('registry', 'analyses') }} as a on c.analysis = a.analysis
    where c.is_complete and a.pilot_selection <> 'none'
),

standardised as (
    select
        *,
        case when is_met and not is_elsewhere then a / wa end as x,
        b / wb as y,
        if(is_two_sided, -threshold / wa, '-infinity'::double) as low,
        threshold / wa as high
    from rules
),

inverted as (
    select
        *,
        {%- for name, p in [('median', '0.5'), ('low', '0.975'), ('high', '0.025')] %}
            sign * wa * selected_mean({{ p }}::double, x, low, high) as mean_{{ name }},
            wb / wa * selected_ratio({{ p }}::double, x, y, low, high) as ratio_{{ name }},
        {%- endfor %}
        2 * selected_cdf(-x, 0::double, -high, -low) as p_established_corrected,
        selected_contrast_cdf(x, y, margin * wa / wb, low, high) as p_lost_corrected,
        1 - p_lost_corrected as p_kept_corrected,
        selected_contrast_cdf(x, y, wa / wb, low, high) as p_drop
    from standardised
)

select
    analysis,
    indicator,
    wave,
    case
        when is_elsewhere then 'selected_on_another_indicator'
        when not is_met then 'rule_not_met'
        when mean_low is null or mean_high is null then 'at_the_threshold'
        else 'corrected'
    end as selection_state,
    case selection_state
        when 'selected_on_another_indicator'
            then 'the pilot was selected for ' || selection_indicator || ': its effect here cannot be corrected for it'
        when 'rule_not_met' then 'the pilot''s estimate does not meet the rule it is said to have been selected by'
        when 'at_the_threshold'
            then 'the pilot lies so close to its rule''s threshold that its corrected effect has no bound'
    end as why_not_corrected,
    sign * threshold as selection_threshold,
    {%- set is_told = "selection_state = 'corrected'" %}
    case when {{ is_told }} then mean_median end as pilot_corrected_estimate,
    case when {{ is_told }} then least(mean_low, mean_high) end as pilot_corrected_low,
    case when {{ is_told }} then greatest(mean_low, mean_high) end as pilot_corrected_high,
    case when {{ is_told }} then if(ratio_median is null, 'not_estimable', 'bounded') end as retention_corrected_set,
    ratio_median as retention_corrected,
    ratio_low as retention_corrected_low,
    ratio_high as retention_corrected_high,
    p_established_corrected,
    p_kept_corrected,
    p_lost_corrected,
    case
        when p_drop < 0.025 then 'attenuated'
        when p_drop > 0.975 then 'amplified'
        when p_drop is not null then 'no_detectable_change'
    end as change_verdict_corrected,
    {{ claim('_corrected') }}
from inverted
order by analysis, indicator, wave
