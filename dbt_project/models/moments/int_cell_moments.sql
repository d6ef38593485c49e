-- The moments that effects need, one row per cell: a pivot, no arithmetic. `mass` is what a mean divides by: the
-- weight, or for rates the weighted exposure; for others exposure is one, and its products repeat the plain sums.
{%- set product = {
    'weight_sum': ('one', 'one', 'one', 'one'), 'mass': ('one', 'exposure', 'one', 'one'),
    'total': ('one', 'outcome', 'one', 'outcome'), 'total_squares': ('outcome', 'outcome', 'outcome', 'outcome'),
    'total_mass': ('outcome', 'exposure', 'one', 'outcome'), 'mass_squares': ('exposure', 'exposure', 'one', 'one')
} %}
select
    analysis, indicator, site, wave, arm, block_id, cluster_id, dimension, level,
    max(n) filter (where term_a = 'one' and term_b = 'one') as n
    {%- for name, (a, b, plain_a, plain_b) in product.items() %},
    coalesce(
        max(product_sum) filter (where term_a = '{{ a }}' and term_b = '{{ b }}'),
        max(product_sum) filter (where term_a = '{{ plain_a }}' and term_b = '{{ plain_b }}')
    ) as {{ name }}
    {%- endfor %}
from {{ ref('int_moments') }}
group by analysis, indicator, site, wave, arm, block_id, cluster_id, dimension, level
