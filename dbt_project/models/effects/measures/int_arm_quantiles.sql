-- noqa: disable=LT02
-- The registered quantile of every arm at a site, and of the network where an analysis compares all sites as one trial.
-- With F the weighted share at or below a value, the quantile q is the smallest value with F >= p (the mean of it and
-- the next where F = p: the usual median); in a grid, interpolated within its bin. Interval after Woodruff (1952):
--     F^-1(p -+ t se), se^2 = sum_c S_c^2 / (W^2 h_c), S_c = weight of c at or below q - F(q) W_c, h_c = 1 - W_c / W
-- CR2 of a share, with the degrees of freedom of int_site_changes; people without a cluster are their own, those of a
-- bin alike in weight. The standard error is the interval's half-width over t (Sarndal, Swensson, Wretman 1992, 5.11).
-- No interval where it leaves the data, an open end of the grid, or has no width.
{%- set own = ['analysis', 'indicator', 'wave', 'site', 'stage', 'dimension', 'level', 'arm'] %}
{%- set key = own | join(', ') %}
{%- set prefixed = 'r.' ~ own | join(', r.') %}
{%- set by_row = 'order by cluster_id, unit_low nulls first, unit_high nulls last' %}
{%- set in_order = 'order by bin_low nulls first, bin_high nulls last' %}
with cells as (
    select
        m.* exclude (site, block_id, cluster_id),
        {{ fit_cluster() }} as cluster_id,
        unnest(
            [{ 'site': m.site, 'stage': s.stage }]
            || case
                when a.level = 'network' and s.state = 'included' then [{ 'site': 'network', 'stage': s.pool }]
                else []
            end
        ) as taken,
        (i.quantile * 10000)::hugeint as p,
        i.grid_step is not null as is_grid
    {{ counted_in_fits(ref('int_histograms')) }}
    inner join {{ source('registry', 'indicators') }} as i on m.indicator = i.indicator
    where m.weight_sum > 0
),

placed as (
    select
        * exclude (taken),
        taken['site'] as site,
        taken['stage'] as stage
    from cells
),

bins as (
    select
        {{ key }}, p, is_grid, bin_low, bin_high,
        sum(weight_sum)::hugeint as mass,
        (sum(sum(weight_sum)) over so_far)::hugeint as up_to,
        (sum(sum(weight_sum)) over (partition by {{ key }}))::hugeint as total,
        sum(sum(n)) over (partition by {{ key }}) as n,
        lead(bin_low) over so_far as next_low
    from placed
    group by {{ key }}, p, is_grid, bin_low, bin_high
    window so_far as (partition by {{ key }} {{ in_order }})
),

-- the first bin that reaches p, and how far into it
reached as (
    select
        *,
        case when is_grid then (p * total / 10000 - (up_to - mass))::double / mass::double else 1 end as part,
        case when is_grid then p::double / 10000 else up_to::double / total::double end as share,
        case
            when bin_low is null or bin_high is null then null
            when not is_grid and up_to * 10000 = p * total and next_low is not null
                then (bin_low + next_low)::double / 2
            else bin_low::double + (bin_high - bin_low)::double * part
        end as value_steps
    from bins
    where up_to * 10000 >= p * total
    qualify row_number() over (
        partition by {{ key }}
        order by up_to
    ) = 1
),

-- one row per cluster; people who are their own share one row per bin
scores as (
    select
        {{ prefixed }},
        m.cluster_id,
        case when m.cluster_id is null then m.bin_low end as unit_low,
        case when m.cluster_id is null then m.bin_high end as unit_high,
        case when m.cluster_id is null then sum(m.n) else 1 end as n,
        sum(m.weight_sum)::double as all_mass,
        -- a bin's people are taken as so many of their mean weight that their squares add up to those they have
        case when m.cluster_id is null then sum(m.weight_squares)::double / all_mass else all_mass end as own_mass,
        sum(m.weight_sum * case
            when m.bin_low = r.bin_low or (m.bin_low is null and r.bin_low is null) then 0
            when m.bin_low is null or m.bin_low < r.bin_low then 1
            else 0
        end)::double as below,
        sum(m.weight_sum) filter (where m.bin_low is not distinct from r.bin_low)::double as within,
        any_value(r.total)::double as total,
        any_value(r.share) as share,
        any_value(r.part) as part
    from placed as m
    inner join reached as r
        on
            m.analysis = r.analysis and m.indicator = r.indicator and m.wave = r.wave and m.site = r.site
            and m.stage = r.stage and m.dimension = r.dimension and m.level = r.level and m.arm = r.arm
    group by {{ prefixed }}, m.cluster_id, unit_low, unit_high
),

terms as (
    select
        *,
        all_mass / own_mass as copies,
        own_mass / total as q,
        nullif(1 - q, 0) as h,
        (below + part * coalesce(within, 0) - share * all_mass) / all_mass * q / sqrt(h) as z,
        q / total / h as d,
        q * q / total / h as pp
    from scores
),

errors as (
    select
        {{ key }},
        sqrt(sum(copies * z ** 2 {{ by_row }})) as share_se,
        sum(copies * (d - pp) {{ by_row }}) ** 2 / nullif(
            sum(copies * (d * d - 2 * d * pp) {{ by_row }})
            + sum(copies * pp {{ by_row }}) ** 2, 0
        ) as df,
        sum(n)::bigint as cluster_count,
        list({ 'cluster': cluster_id, 'z': z } order by cluster_id) filter (where cluster_id is not null) as scores
    from terms
    group by {{ key }}
    having bool_and(z is not null)
),

targets as (
    select
        r.* exclude (mass, up_to, next_low, part, bin_low, bin_high),
        e.share_se,
        e.df,
        e.cluster_count,
        coalesce(e.scores, []) as scores,
        t_quantile(0.975, e.df) as t,
        r.p::double / 10000 - t * e.share_se as share_low,
        r.p::double / 10000 + t * e.share_se as share_high
    from reached as r
    left join errors as e using ({{ key }})
),

ends as (
    select
        {{ key }},
        {%- for end in ['low', 'high'] %}
        {%- set left = 'b.bin_low::double' %}
        min_by(
            case
                when not b.is_grid then {{ left }}
                else {{ left }} + (b.bin_high - b.bin_low)::double
                    * (t.share_{{ end }} * b.total::double - (b.up_to - b.mass)::double) / b.mass::double
            end, b.up_to
        ) filter (where b.up_to::double >= t.share_{{ end }} * b.total::double) as found_{{ end }},
        bool_or(
            (b.bin_low is null and b.up_to::double >= t.share_{{ end }} * b.total::double)
            or (b.bin_high is null and (b.up_to - b.mass)::double < t.share_{{ end }} * b.total::double)
        ) as is_outside_{{ end }}{{ ',' if not loop.last }}
        {%- endfor %}
    from bins as b
    inner join targets as t using ({{ key }})
    where t.share_low > 0 and t.share_high <= 1
    group by {{ key }}
)

select
    t.* exclude (p, t, total),
    case when not (e.is_outside_low or e.is_outside_high) then e.found_low end as low_steps,
    case when not (e.is_outside_low or e.is_outside_high) then e.found_high end as high_steps,
    case when t.value_steps is not null then nullif((high_steps - low_steps) / (2 * t.t), 0) end as se_steps,
    case
        when t.value_steps is null then 'the quantile lies beyond the declared grid'
        when t.share_se is null then 'no standard error: fewer than two clusters or people'
        when t.share = 1 then 'no standard error: nobody lies above the quantile'
        when e.is_outside_low or e.is_outside_high then 'no standard error: the interval lies partly beyond the grid'
        when low_steps is null then 'no standard error: too few people for an interval of this quantile'
        when se_steps is null then 'no standard error: the values around the quantile are alike'
    end as why_no_error
from targets as t
left join ends as e using ({{ key }})
order by {{ key }}
