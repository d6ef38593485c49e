-- How much the effects of a pool's sites differ, whatever the estimator of tau2: Cochran's Q with its p-value, C (the
-- constant of DerSimonian and Laird), the typical sampling variance (k - 1) s1 / (s1^2 - s2) = (k - 1) / C (Higgins and
-- Thompson 2002), I2 and H2 from Q, and the Q-profile interval of tau2 and of I2 (Viechtbauer 2007).
with pools as (
    select
        *,
        (k - 1)::double as q_df,
        [chi2_quantile(0.975, q_df), chi2_quantile(0.025, q_df)] as targets
    from ({{ precise_first(ref('int_pools')) }}) as centred
),

roots as ({{ generalised_q_roots('pools') }}),

sums as (
    select
        *,
        gq as q,
        tr_p as c,
        q_df / nullif(tr_p, 0) as typical_v
    from ({{ weighted_sums('pools', '0') }}) as fixed
)

select
    s.pool_id,
    s.k,
    s.q,
    s.q_df,
    case when s.k >= 2 then chi2_tail(s.q, s.q_df) end as p_q,
    s.c,
    s.typical_v,
    greatest(0, (s.q - s.q_df) / nullif(s.q, 0)) * 100 as i2_q_pct,
    s.q / nullif(s.q_df, 0) as h2_q,
    low.tau2 as tau2_qprofile_low,
    high.tau2 as tau2_qprofile_high,
    low.tau2 / (low.tau2 + s.typical_v) * 100 as i2_qprofile_low_pct,
    high.tau2 / (high.tau2 + s.typical_v) * 100 as i2_qprofile_high_pct,
    coalesce(low.is_converged and high.is_converged, true) as is_converged
from sums as s
left join roots as low on s.pool_id = low.pool_id and low.target = 1
left join roots as high on s.pool_id = high.pool_id and high.target = 2
order by s.pool_id
