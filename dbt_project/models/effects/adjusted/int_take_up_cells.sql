-- noqa: disable=LT02
-- Outcome and take-up of every comparison that registers it, over the people of whom take-up is known, one row per
-- block and cluster with both arms side by side, as in int_fit_clusters: sums over everyone minus those where it is
-- missing. People who are their own clusters need it known of all: their squares cannot be parted.
{%- set wanted = {
    'n_told': ('one take_up', 'n'), 'n_all': ('one one', 'n'), 'mass_all': ('one one', 'product_sum'),
    'mass_missing': ('one take_up_missing', 'product_sum'), 'total_all': ('one outcome', 'product_sum'),
    'total_missing': ('outcome take_up_missing', 'product_sum'), 'taken': ('one take_up', 'product_sum'),
    'taken_squares': ('take_up take_up', 'product_sum'), 'outcome_taken': ('outcome take_up', 'product_sum'),
    'squares_all': ('outcome outcome', 'product_sum')
} %}
{%- set cell = 'analysis, indicator, site, wave, arm, block_id, cluster_id, dimension, level' %}
with asking as (
    select analysis
    from {{ source('registry', 'analyses') }}
    where take_up is not null
),

cells as (
    select
        {{ cell }},
        {%- for name, (pair, sum) in wanted.items() %}
            coalesce(max({{ sum }}) filter (where term_a || ' ' || term_b = '{{ pair }}'), 0)::hugeint
                as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_moments') }}
    inner join asking using (analysis)
    group by {{ cell }}
),

placed as (
    select
        m.* exclude (site, block_id, cluster_id),
        m.arm = a.treatment_arm as is_treated,
        {{ fit_site() }} as site,
        {{ fit_stage() }} as stage,
        {{ fit_block() }} as block_id,
        {{ fit_cluster() }} as cluster_id
    {{ counted_in_fits('cells') }}
    where s.state = 'included' and m.arm in (a.treatment_arm, a.control_arm) and m.n_told > 0
),

centred as (
    select
        f.fit_id,
        p.*,
        p.mass_all - p.mass_missing as mass,
        p.total_all - p.total_missing - f.origin * mass as total,
        p.outcome_taken - f.origin * p.taken as cross_taken,
        case
            when p.n_told = p.n_all
                then p.squares_all - 2 * f.origin * p.total_all + f.origin * f.origin * p.mass_all
        end as squares
    from placed as p
    inner join {{ ref('int_fits') }} as f
        on
            p.analysis = f.analysis and p.indicator = f.indicator and p.wave = f.wave
            and p.site = f.site and p.stage = f.stage and p.dimension = f.dimension and p.level = f.level
    where f.adjustment in ('none', 'ancova') and not f.is_rate
)

select
    fit_id,
    block_id,
    cluster_id,
    case when cluster_id is null then is_treated end as unit_arm,
    case when cluster_id is null then sum(n_told)::bigint else 1 end as multiplicity,
    {%- for arm, is_arm in {'1': 'is_treated', '0': 'not is_treated'}.items() %}
        coalesce(sum(n_told) filter (where {{ is_arm }}), 0)::bigint as n_{{ arm }},
        {%- for sum in ['mass', 'total', 'taken'] %}
            coalesce(sum({{ sum }}) filter (where {{ is_arm }}), 0) as {{ sum }}_{{ arm }},
        {%- endfor %}
    {%- endfor %}
    sum(mass) as weight_sum,
    sum(cross_taken) as cross_taken,
    sum(taken_squares) as taken_squares,
    case when bool_and(squares is not null) then sum(squares) end as squares
from centred
group by fit_id, block_id, cluster_id, unit_arm
order by fit_id, block_id, cluster_id, unit_arm
