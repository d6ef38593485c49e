{{ config(materialized='view') }}
-- The moments that effects need, one row per cell: a pivot, no arithmetic. `mass` is what a mean divides by: the
-- weight, or for rates the weighted exposure; for others exposure is one, and its products repeat the plain sums.
{%- set cell = 'analysis, indicator, site, wave, arm, block_id, cluster_id, dimension, level' %}
{%- set products = {
    'mass': ('one exposure', 'one one'),
    'total': ('one outcome', 'one outcome'),
    'total_squares': ('outcome outcome', 'outcome outcome'),
    'total_mass': ('outcome exposure', 'one outcome'),
    'mass_squares': ('exposure exposure', 'one one')
} %}
with named as (
    select
        {{ cell }},
        n,
        term_a || ' ' || term_b as pair,
        product_sum
    from {{ ref('int_moments') }}
)

select
    {{ cell }},
    {%- for name, (of_rates, of_others) in products.items() %}
        coalesce(
            max(product_sum) filter (where pair = '{{ of_rates }}'),
            max(product_sum) filter (where pair = '{{ of_others }}')
        ) as {{ name }},
    {%- endfor %}
    max(product_sum) filter (where pair = 'one one') as weight_sum,
    max(n) filter (where pair = 'one one') as n
from named
group by {{ cell }}
-- a cell that holds people of the baseline wave only has none of these
having weight_sum is not null
