-- How much of the pilot's effect was kept, as a ratio: Fieller's set, and beside it, each under its own name, the delta
-- method (se^2 = sb^2 / a^2 + b^2 sa^2 / a^4), the logarithm (se^2 = sb^2 / b^2 + sa^2 / a^2, where both effects have
-- one sign), the interval in which an effect at scale lies if it equals the pilot's (a -+ q sqrt(sa^2 + sb^2)), and the
-- share of draws that keep the margin: with a + sa T and b + sb T drawn independently, the chance that b >= m a.
-- Suffix _normal: normal quantiles; none: Student's t with the smaller of the two degrees of freedom, and for the draws
-- with each side's own, by numerical integration. ratio_ columns stand whatever the set; retention only if bounded.
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
    from {{ ref('int_retention_claims') }}
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
    analysis,
    indicator,
    wave,
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
order by analysis, indicator, wave
