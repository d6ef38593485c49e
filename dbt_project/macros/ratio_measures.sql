{#- Log ratios of two arms from sums, in one form for clusters, weights and blocks.

    Per block: masses W_1, W_0 (weights, or weighted exposure), totals T_1, T_0, W = W_1 + W_0, p = T / mass.
        risk and rate ratio: R = sum T_1 W_0 / W,         S = sum T_0 W_1 / W          (Mantel and Haenszel 1959;
        odds ratio:          R = sum T_1 (W_0 - T_0) / W, S = sum T_0 (W_1 - T_1) / W   Rothman and Boice 1979)
    the log ratio is ln(R / S); with one block that is ln(p_1 / p_0), or the log odds ratio. Its first derivative with
    respect to each unit is that of a difference of means with block effects, D = sum W_1 W_0 / W, on the outcome
        treated k_1 y + c_1, control k_0 y
        risk and rate ratio: k_1 = D / R, k_0 = D / S, c_1 = ln(R / S)
        odds ratio: k_1 = D ((1 - p_0) / R + p_0 / S), k_0 = D (p_1 / R + (1 - p_1) / S),
                    c_1 = ln(R / S) + D p_1 p_0 (1 / R - 1 / S)
    so macro cluster_robust over that outcome gives the log ratio, its delta-method CR2 (HC2) standard error and the
    Bell-McCaffrey degrees of freedom. Where an arm has no event the ratio is not finite: there is no row.

    In: relations like int_fit_clusters and int_fits, joined to the registry's indicators. Out: a relation like
    int_fit_clusters with fit_id replaced by that of a fit and measure: 2 * fit_id, plus one for the odds ratio. -#}
{% macro linearised_clusters(clusters, fits, indicators) %}
with rows_of_ratios as (
    select
        c.*,
        f.origin::double as origin,
        i.statistic,
        case when i.statistic = 'share' then i.resolution::double / 100 else 1 end as scale
    from {{ clusters }} as c
    inner join {{ fits }} as f on c.fit_id = f.fit_id
    inner join {{ indicators }} as i on f.indicator = i.indicator
    where i.statistic = 'share' or {{ is_quotient('i.statistic') }}
),

blocks as (
    select
        fit_id,
        block_id,
        statistic,
        sum(mass_1)::double as w1,
        sum(mass_0)::double as w0,
        (sum(total_1)::double + origin * w1) * scale as t1,
        (sum(total_0)::double + origin * w0) * scale as t0,
        w1 + w0 as w
    from rows_of_ratios
    group by fit_id, block_id, statistic, origin, scale
),

sums as (
    select
        fit_id,
        measure.is_odds,
        sum(w1 * w0 / w order by block_id) as d,
        sum(case when is_odds then t1 * (w0 - t0) else t1 * w0 end / w order by block_id) as r,
        sum(case when is_odds then t0 * (w1 - t1) else t0 * w1 end / w order by block_id) as s
    from blocks
    cross join (values (false), (true)) as measure (is_odds)
    where w1 > 0 and w0 > 0 and (statistic = 'share' or not measure.is_odds)
    group by fit_id, measure.is_odds
    having least(r, s) > 1e-9 * d
),

slopes as (
    select
        b.fit_id,
        b.block_id,
        s.is_odds,
        case when is_odds then s.d * ((1 - t0 / w0) / s.r + t0 / w0 / s.s) else s.d / s.r end as k1,
        case when is_odds then s.d * (t1 / w1 / s.r + (1 - t1 / w1) / s.s) else s.d / s.s end as k0,
        ln(s.r / s.s) + case when is_odds then s.d * t1 / w1 * t0 / w0 * (1 / s.r - 1 / s.s) else 0 end as c1
    from blocks as b
    inner join sums as s on b.fit_id = s.fit_id
    where b.w1 > 0 and b.w0 > 0
)

select
    2 * c.fit_id + s.is_odds::bigint as fit_id,
    c.block_id,
    c.cluster_id,
    c.unit_arm,
    c.multiplicity,
    c.mass_1,
    c.mass_0,
    s.k1 * c.scale as slope_1,
    s.k0 * c.scale as slope_0,
    slope_1 * c.origin + s.c1 as constant_1,
    slope_0 * c.origin as constant_0,
    slope_1 * c.total_1::double + constant_1 * c.mass_1::double as total_1,
    slope_0 * c.total_0::double + constant_0 * c.mass_0::double as total_0,
    c.weight_sum,
    case when c.unit_arm then slope_1 else slope_0 end as slope,
    case when c.unit_arm then constant_1 else constant_0 end as constant,
    slope * c.cross_sum::double + constant * c.mass_squares::double as cross_sum,
    slope ** 2 * c.squares::double + 2 * slope * constant * c.cross_sum::double
    + constant ** 2 * c.mass_squares::double as squares,
    c.mass_squares
from rows_of_ratios as c
inner join slopes as s on c.fit_id = s.fit_id and c.block_id = s.block_id
{% endmacro %}

{#- Effects of a two by two table and their variances: a, b events and others of the treated, c, d of the controls, with
    half a case added to each cell where any is empty (a2 to d2; metafor's escalc, to = "only0"); the arcsine and phi
    take the table as it is. One pair of columns, _yi and _vi, for each. -#}
{% macro two_by_two_effects() %}
    {%- set effects = {
        'rr': ('ln(a2 / n1) - ln(c2 / n0)', '1 / a2 - 1 / n1 + 1 / c2 - 1 / n0'),
        'or': ('ln(a2 * d2 / (b2 * c2))', '1 / a2 + 1 / b2 + 1 / c2 + 1 / d2'),
        'rd': ('a2 / n1 - c2 / n0', 'a2 * b2 / n1 ** 3 + c2 * d2 / n0 ** 3'),
        'as': ('asin(sqrt(a / (a + b))) - asin(sqrt(c / (c + d)))', '1 / (4 * (a + b)) + 1 / (4 * (c + d))'),
    } -%}
    {{ return(effects) }}
{% endmacro %}
