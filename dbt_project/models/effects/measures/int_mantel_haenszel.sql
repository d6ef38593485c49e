-- noqa: disable=LT02
-- Common effects over the blocks of people who stand alone and count alike, which sparse blocks bear (Mantel and
-- Haenszel 1959): N = n_1 + n_0 in a block, a and c its events, b and d the others. Variances:
--   log risk ratio: sum(n_1 n_0 (a + c) / N^2 - a c / N) / (R S), R = sum a n_0 / N, S = sum c n_1 / N (Greenland and
--     Robins 1985)
--   log odds ratio: sum PR / 2R^2 + sum(PS + QR) / 2RS + sum QS / 2S^2, R = sum ad / N, S = sum bc / N,
--     P = (a + d) / N, Q = (b + c) / N (Robins, Breslow and Greenland 1986)
--   risk difference: (delta sum K + sum L) / (sum n_1 n_0 / N)^2,
--     K = (n_1^2 c - n_0^2 a + n_1 n_0 (n_0 - n_1) / 2) / N^2, L = (a (n_0 - c) + c (n_1 - a)) / 2N (Sato 1989)
{%- set sums = {
    'rr_r': 'a * n0 / n', 'rr_s': 'c * n1 / n', 'rr_v': 'n1 * n0 * (a + c) / n ** 2 - a * c / n',
    'or_r': 'a * d / n', 'or_s': 'b * c / n', 'or_pr': '(a + d) / n * a * d / n', 'or_qs': '(b + c) / n * b * c / n',
    'or_mixed': '(a + d) / n * b * c / n + (b + c) / n * a * d / n',
    'rd_d': 'n1 * n0 / n', 'rd_k': '(n1 ** 2 * c - n0 ** 2 * a + n1 * n0 * (n0 - n1) / 2) / n ** 2',
    'rd_l': '(a * (n0 - c) + c * (n1 - a)) / (2 * n)'
} %}
with blocks as (
    select
        fit_id,
        block_id,
        a,
        b,
        c,
        d,
        a + b as n1,
        c + d as n0,
        n1 + n0 as n
    from {{ ref('int_two_by_two') }}
    where least(a + b, c + d) > 0
),

sums as (
    select
        fit_id,
        {%- for name, term in sums.items() %}
            sum({{ term }} order by block_id) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from blocks
    group by fit_id
    having count(*) > 1
)

select
    fit_id,
    case when least(rr_r, rr_s) > 0 then ln(rr_r / rr_s) end as rr_yi,
    case when least(rr_r, rr_s) > 0 then rr_v / (rr_r * rr_s) end as rr_vi,
    case when least(or_r, or_s) > 0 then ln(or_r / or_s) end as or_yi,
    case
        when least(or_r, or_s) > 0
            then or_pr / (2 * or_r ** 2) + or_mixed / (2 * or_r * or_s) + or_qs / (2 * or_s ** 2)
    end as or_vi,
    (rr_r - rr_s) / rd_d as rd_yi,
    (rd_yi * rd_k + rd_l) / rd_d ** 2 as rd_vi
from sums
order by fit_id
