-- Retention, change and claim for every pair of sides, each by its own macro; multiplicity comes after.
-- a and b are the pilot's and the scaled effect, oriented so that more is better; the ratio does not care.
with oriented as (
    select
        s.*,
        i.retention_margin as margin,
        i.smallest_effect,
        case when i.direction = 'lower_is_better' then -1 else 1 end as sign,
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
        least(s.pilot_df, s.scaled_df) as retention_df
    from {{ ref('int_retention_sides') }} as s
    inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
),

retentions as (
    select
        *,
        {{ fieller('retention', '', 'a', 'sa', 'b', 'sb', 't_quantile(0.975, retention_df)') }},
        {{ fieller('retention', '_normal', 'a', 'sa', 'b', 'sb', 'normal_quantile(0.975)') }},
        change - t_quantile(0.975, change_df) * change_se as change_low,
        change + t_quantile(0.975, change_df) * change_se as change_high
    from oriented
),

claims as ({{ verdict('oriented', 'analysis, indicator, wave') }})

select
    r.* exclude (
        sign, a, sa, dfa, b, sb, dfb,
        {%- for name in ['a', 'b', 'c', 'd'] %}
            fieller_{{ name }}, fieller_{{ name }}_normal{{ ',' if not loop.last }}
        {%- endfor %}
    ),
    case when r.retention_set = 'bounded' then r.b / r.a end as retention,
    case
        when greatest(r.sign * r.change_low, r.sign * r.change_high) < 0 then 'attenuated'
        when least(r.sign * r.change_low, r.sign * r.change_high) > 0 then 'amplified'
        when r.change_se is not null then 'no_detectable_change'
    end as change_verdict,
    r.estimator in ('equal_mean', 'eligible_weighted_mean', 'network') and least(r.dfa, r.dfb) < 4 as has_too_few,
    c.claim,
    c.p_claim
from retentions as r
inner join claims as c on r.analysis = c.analysis and r.indicator = c.indicator and r.wave = c.wave
order by r.analysis, r.indicator, r.wave
