-- Exact weighted sums of products, one row per cell and pair of terms: a Gram matrix per cluster and arm.
-- Everything is an integer (weights in 1e-6, values in steps of the indicator's resolution), so sums add, subtract
-- and merge to the byte in any order. Bound: sum(w * a * b) < 1e38; beyond it the query fails, it never wraps.
{%- set cell = 'analysis, indicator, site, wave, arm, block_id, cluster_id, dimension, level' %}
with gram as (
    select
        {{ cell }},
        is_rate,
        [
            {%- for first, second in term_pairs() %}
                {
                    'term_a': {{ sql_text(first.term) }},
                    'term_b': {{ sql_text(second.term) }},
                    'n': count(*) filter (where {{ first.column }} is not null and {{ second.column }} is not null),
                    'product_sum': sum(weight_steps * {{ first.column }} * {{ second.column }})
                }{{ ',' if not loop.last }}
            {%- endfor %}
        ] as pairs
    from {{ ref('int_analysis_units') }}
    group by {{ cell }}, is_rate
),

long as (
    select
        {{ cell }},
        is_rate,
        unnest(pairs) as pair
    from gram
)

select
    {{ cell }},
    pair['term_a'] as term_a,
    pair['term_b'] as term_b,
    pair['n'] as n,
    pair['product_sum']::decimal(38, 0) as product_sum
from long
where n > 0 and (is_rate or not (starts_with(term_a, 'exposure') or starts_with(term_b, 'exposure')))
union all
select
    {{ cell }},
    term_a,
    term_b,
    n,
    product_sum
from {{ ref('int_supplied_moments') }}
order by {{ cell }}, term_a, term_b
