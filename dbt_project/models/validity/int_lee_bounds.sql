-- noqa: disable=LT02
-- Bounds on the effect for those who would be measured in either arm (Lee 2009): the arm that kept more is trimmed,
-- from above and from below, to the share that the other kept. Assumes that assignment moves no one's being measured
-- both ways. K = r_low n_high / n_low of the r_high measured are kept; ties at the cut are kept in part.
--   mu_low = y + sum(min(v - y, 0)) / K at the cut y; a binary outcome gives max(0, (m - p) / (1 - p)), p = 1 - K / r
-- Errors from influence values: with A the sum above and i measured (s = 1) or not in the trimmed arm,
--   psi_i = s ((v - y)- - A / r) / K - (y - mu) (s - q) / r; in the other arm  (y - mu) (s - q) / r - s (v - m) / r
-- summed within clusters (G / (G - 1)), else as they are: Lee's own variance. Interval: Imbens and Manski (2004).
{%- set cuts = {'low': 'least', 'high': 'greatest'} %}
with sides as (
    select
        g.*,
        g.n_treatment - g.missing_treatment as measured_treatment,
        g.n_control - g.missing_control as measured_control,
        measured_treatment::hugeint * g.n_control >= measured_control::hugeint * g.n_treatment as is_treatment_trimmed,
        case when is_treatment_trimmed then g.n_treatment else g.n_control end::hugeint as n_h,
        case when is_treatment_trimmed then g.n_control else g.n_treatment end::hugeint as n_l,
        case when is_treatment_trimmed then measured_treatment else measured_control end::hugeint as r_h,
        case when is_treatment_trimmed then measured_control else measured_treatment end::hugeint as r_l,
        {{ unit_per_step('i.statistic', 'i.resolution') }} as step,
        r_l * n_h / n_l as kept
    from {{ ref('int_attrition_groups') }} as g
    inner join {{ source('registry', 'indicators') }} as i on g.indicator = i.indicator
    inner join {{ source('registry', 'analyses') }} as a on g.analysis = a.analysis
    where
        least(measured_treatment, measured_control) > 0
        and i.statistic not in ('rate', 'ratio', 'median', 'quantile')
        and a.role <> 'cross_check'
),

people as (
    select
        s.group_id,
        v.cluster_id,
        v.is_treated = s.is_treatment_trimmed as is_trimmed,
        v.value_steps as value,
        sum(v.n)::hugeint as n
    from sides as s
    inner join {{ ref('int_validity_groups') }} as g on s.group_id = g.group_id
    inner join {{ ref('int_randomised_values') }} as v
        on g.analysis = v.analysis and g.indicator = v.indicator and g.wave = v.wave and g.member = v.site
    group by s.group_id, v.cluster_id, is_trimmed, v.value_steps
),

counted as (
    select
        p.group_id,
        p.value,
        sum(sum(p.n)) over (partition by p.group_id order by p.value) as up_to,
        sum(sum(p.n)) over (partition by p.group_id order by p.value desc) as down_to
    from people as p
    where p.is_trimmed and p.value is not null
    group by p.group_id, p.value
),

cut_values as (
    select
        c.group_id,
        min(c.value) filter (where c.up_to * s.n_l >= s.r_l * s.n_h)::hugeint as cut_low,
        max(c.value) filter (where c.down_to * s.n_l >= s.r_l * s.n_h)::hugeint as cut_high
    from counted as c
    inner join sides as s on c.group_id = s.group_id
    group by c.group_id
),

-- Sums of whole steps, counted from the cut: exact.
sums as (
    select
        p.group_id,
        {%- for bound, side in cuts.items() %}
            sum(p.n * {{ side }}(p.value - c.cut_{{ bound }}, 0)) filter (where p.is_trimmed)::double as a_{{ bound }},
            sum(p.n * (p.value - c.cut_{{ bound }})) filter (where not p.is_trimmed)::double
                as other_{{ bound }}{{ ',' if not loop.last }}
        {%- endfor %}
    from people as p
    inner join cut_values as c on p.group_id = c.group_id
    group by p.group_id
),

trimmed as (
    select
        s.*,
        {%- for bound in cuts %}
            c.cut_{{ bound }},
            u.a_{{ bound }},
            u.a_{{ bound }} / s.kept as mu_{{ bound }},
            u.other_{{ bound }} / s.r_l as m_{{ bound }}{{ ',' if not loop.last }}
        {%- endfor %}
    from sides as s
    inner join sums as u on s.group_id = u.group_id
    inner join cut_values as c on s.group_id = c.group_id
),

influence as (
    select
        t.group_id,
        p.cluster_id,
        p.is_trimmed,
        p.value,
        p.n::double as n,
        {%- for bound, side in cuts.items() %}
            case
                when p.is_trimmed
                    then
                        case
                            when p.value is null then 0
                            else ({{ side }}(p.value - t.cut_{{ bound }}, 0) - t.a_{{ bound }} / t.r_h) / t.kept
                        end
                        + t.mu_{{ bound }} * ((p.value is not null)::int - t.r_h / t.n_h) / t.r_h
                else
                    -t.mu_{{ bound }} * ((p.value is not null)::int - t.r_l / t.n_l) / t.r_l
                    - coalesce(p.value - t.cut_{{ bound }} - t.m_{{ bound }}, 0) / t.r_l
            end as psi_{{ bound }}{{ ',' if not loop.last }}
        {%- endfor %}
    from trimmed as t
    inner join people as p on t.group_id = p.group_id
),

-- Those who are their own clusters stand `n` times; a cluster is one whatever it holds.
own as (
    select
        group_id,
        cluster_id,
        bool_or(is_trimmed) as in_trimmed,
        bool_or(not is_trimmed) as in_other,
        {%- for bound in cuts %}
            case
                when cluster_id is null then sum(n * psi_{{ bound }} ** 2 order by is_trimmed, value)
                else sum(n * psi_{{ bound }} order by is_trimmed, value) ** 2
            end as square_{{ bound }},
        {%- endfor %}
        case when cluster_id is null then sum(n) else 1 end as copies
    from influence
    group by group_id, cluster_id
),

errors as (
    select
        group_id,
        count(cluster_id) > 0 as is_clustered,
        case when is_clustered then count(*) filter (where in_trimmed) else sum(copies) end as trimmed_clusters,
        case when is_clustered then count(*) filter (where in_other) else sum(copies) end as other_clusters,
        case when is_clustered then sum(copies) / nullif(sum(copies) - 1, 0) else 1 end as factor,
        {%- for bound in cuts %}
            sqrt(factor * sum(square_{{ bound }} order by cluster_id)) as se_{{ bound }}{{ ',' if not loop.last }}
        {%- endfor %}
    from own
    group by group_id
),

-- The trimmed arm's low mean gives the effect's lower bound where it is the treatment, else its upper bound.
bounds as (
    select
        t.*,
        e.is_clustered as has_clusters,
        least(e.trimmed_clusters, e.other_clusters) >= 2 and e.se_low > 0 and e.se_high > 0 as has_error,
        {%- for name, (ours, theirs) in {'low': ('low', 'high'), 'high': ('high', 'low')}.items() %}
            case
                when t.is_treatment_trimmed then t.mu_{{ ours }} - t.m_{{ ours }}
                else t.m_{{ theirs }} - t.mu_{{ theirs }}
            end * t.step as effect_{{ name }},
            case
                when has_error
                    then case when t.is_treatment_trimmed then e.se_{{ ours }} else e.se_{{ theirs }} end
            end * t.step as effect_{{ name }}_se,
        {%- endfor %}
        imbens_manski_critical((effect_high - effect_low) / nullif(greatest(effect_low_se, effect_high_se), 0))
            as critical
    from trimmed as t
    inner join errors as e on t.group_id = e.group_id
)

select
    group_id,
    case when is_treatment_trimmed then 'treatment' else 'control' end as trimmed_arm,
    100 * greatest(0, 1 - kept / r_h::double) as trimmed_pct,
    effect_low,
    effect_low_se,
    effect_high,
    effect_high_se,
    effect_low - critical * effect_low_se as interval_low,
    effect_high + critical * effect_high_se as interval_high,
    measured_treatment + measured_control as n,
    case when has_error then 'measured' else 'no_standard_error' end as state,
    case
        when has_error is not true then 'fewer than two clusters in an arm, or outcomes that do not differ'
    end as reason
from bounds
order by group_id
