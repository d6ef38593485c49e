-- Change, contrast and claim for every pair of sides; multiplicity comes after.
-- a and b are the pilot's and the scaled effect, oriented so that more is better. The two are independent: no site is
-- on both sides, and no unit or cluster at two sites of a wave.
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
    from {{ ref('int_retention_sides') }} as s
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
order by analysis, indicator, wave
