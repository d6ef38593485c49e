-- noqa: disable=LT02
-- How often each value, or each bin of the indicator's declared grid, occurs in a cell: exact weighted counts, which
-- add and merge like the moments. Only indicators that need more than sums are counted: those that register a quantile.
-- A grid has at most 200 bins and one open one at either end; without one, a bin is a value that somebody has.
-- depends_on: {{ ref('int_analysis_units') }}
{%- set cell = ['analysis', 'indicator', 'site', 'wave', 'arm', 'block_id', 'cluster_id', 'dimension', 'level'] %}
{%- set is_needed = may_have_quantiles() %}
with values_counted as (
    select
        u.{{ cell | join(', u.') }},
        u.term_outcome as value,
        u.weight_steps,
        (i.grid_low / i.resolution)::hugeint as first_end,
        (i.grid_high / i.resolution)::hugeint as last_end,
        (i.grid_step / i.resolution)::hugeint as width,
        case
            when width is null then value
            when value > last_end then last_end
            when value = last_end then last_end - width
            when value >= first_end then value - (value - first_end) % width
        end as bin_low
    from {{ ref('int_analysis_units') }} as u
    inner join {{ source('registry', 'indicators') }} as i on u.indicator = i.indicator
    where i.quantile is not null and u.term_outcome is not null
        and {{ is_needed }}
)

select
    {{ cell | join(', ') }},
    bin_low,
    case
        when width is null then bin_low
        when bin_low is null then first_end
        when bin_low < last_end then bin_low + width
    end as bin_high,
    count(*) as n,
    sum(weight_steps)::decimal(38, 0) as weight_sum,
    sum(weight_steps * weight_steps)::decimal(38, 0) as weight_squares
from values_counted
group by {{ cell | join(', ') }}, bin_low, bin_high
order by {{ cell | join(', ') }}, bin_low nulls first, bin_high nulls last
