{{ config(materialized='view') }}
-- noqa: disable=LT02
-- Moments that sites sent, in the shape and the exact steps of those made from people: each counts with weight one.
-- Means and deviations are taken in billionths of a step, so that sums of whole steps come back whole. What is too
-- large for that has no sum, and so no effect. What a `comparison` site sent of the baseline wave stands beside, in
-- terms that end in `before`.
{%- set cell = 'analysis, indicator, site, wave, arm, block_id, cluster_id, dimension, level' %}
with asked as (
    select
        *,
        wave as sent_wave,
        false as is_before
    from {{ ref('int_analysis_sites') }}
    union all
    select
        s.*,
        w.wave as sent_wave,
        true as is_before
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'sites') }} as r on s.site = r.site and r.design = 'comparison'
    inner join {{ source('registry', 'waves') }} as w on s.wave <> w.wave and w.is_baseline
),

cells as (
    select
        s.analysis,
        m.indicator,
        m.site,
        s.wave,
        s.is_before,
        case when s.state = 'interim' then 'pooled' else m.arm end as arm,
        m.block_id,
        m.cluster_id,
        m.dimension,
        m.level,
        m.n::hugeint as n,
        i.statistic,
        try(round(m.mean / i.resolution * 1000000000)::hugeint) as mean_billionths,
        try(round(case when m.n = 1 then 0 else m.sd end / i.resolution * 1000000000)::hugeint) as sd_billionths,
        try(round(
            m.events
            * case when {{ is_quotient('i.statistic') }} then i.multiplier else 100 end::decimal(18, 6) / i.resolution
        )::hugeint) as event_steps,
        try(round(100 / i.resolution)::hugeint) as share_steps,
        try(round(m.exposure * {{ exposure_steps_per_unit() }})::hugeint) as exposure_steps
    from asked as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
    inner join {{ ref('stg_moments') }} as m
        on s.site = m.site and s.sent_wave = m.wave and s.indicator = m.indicator
    where
        s.is_admitted
        and s.basis = 'moments'
        and s.state in ('included', 'interim')
        and m.problem is null
        and m.arm in (a.treatment_arm, a.control_arm)
        and (
            m.dimension = 'all'
            or m.indicator || '.' || m.dimension in (
                select d.indicator || '.' || d.dimension from {{ source('registry', 'indicator_subgroups') }} as d
            )
        )
),

summed as (
    select
        {{ cell }},
        is_before,
        n,
        n * 1000000 as weight_sum,
        case
            when statistic = 'share' or {{ is_quotient('statistic') }} then event_steps * 1000000
            else try((n * mean_billionths + 500 * sign(mean_billionths)) // 1000)
        end as outcome_sum,
        case
            when statistic = 'share' then event_steps * share_steps * 1000000
            when not ({{ is_quotient('statistic') }})
                then try(
                    (n * mean_billionths * mean_billionths + (n - 1) * sd_billionths * sd_billionths + 500000000000)
                    // 1000000000000
                )
        end as outcome_squares,
        case when {{ is_quotient('statistic') }} then exposure_steps * 1000000 end as exposure_sum
    from cells
),

long as (
    select
        {{ cell }},
        is_before,
        n,
        unnest([
            { 'term_a': 'one', 'term_b': 'one', 'product_sum': weight_sum },
            { 'term_a': 'one', 'term_b': 'outcome', 'product_sum': outcome_sum },
            { 'term_a': 'outcome', 'term_b': 'outcome', 'product_sum': outcome_squares },
            { 'term_a': 'one', 'term_b': 'exposure', 'product_sum': exposure_sum }
        ]) as pair
    from summed
)

select
    {{ cell }},
    {%- for term in ['term_a', 'term_b'] %}
    case
        when is_before and pair['{{ term }}'] = 'one' then 'before'
        when is_before then pair['{{ term }}'] || '_before'
        else pair['{{ term }}']
    end as {{ term }},
    {%- endfor %}
    sum(n)::bigint as n,
    -- what one row lacks, the cell lacks
    case when bool_and(pair['product_sum'] is not null) then sum(pair['product_sum']) end::decimal(38, 0) as product_sum
from long
group by {{ cell }}, is_before, term_a, term_b
having product_sum is not null
