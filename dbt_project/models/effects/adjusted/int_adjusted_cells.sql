-- noqa: disable=LT02
-- The sums behind adjusted effects: one row per comparison, block, cluster, arm and wave, with the products of the
-- constant (0), the columns adjusted for (1, 2, ...) and the outcome (y): x_i_j and y_i, exact, in the steps of each.
-- Clusters come from the moments. Units that are their own cluster come from rows, one each, for their leverage is
-- not in any sum; a site that sent no rows has none of these, and no such standard error.
-- depends_on: {{ ref('int_moments') }}, {{ ref('int_analysis_units') }}, {{ ref('int_analysis_sites') }},
-- {{ ref('int_fits') }}
{%- set needs = moment_needs() %}
{%- set columns = adjustment_columns() %}
{%- set names = product_names(columns | length) %}
{%- set fit = 'f.analysis = m.analysis and f.indicator = m.indicator and f.wave = m.wave and f.dimension = m.dimension
    and f.level = m.level and f.site = ' ~ fit_site() ~ ' and f.stage = ' ~ fit_stage() %}
{%- if needs %}
-- the moments hold every baseline; it is a column only where it was registered as one
with registered as (
    select analysis
    from {{ source('registry', 'analysis_covariates') }}
    where kind = 'baseline'
),

slots (adjustment, is_rate, term_a, term_b, is_later, slot) as (
    values
    {%- for adjustment, is_rate, term_a, term_b, is_later, name in product_slots(columns) %}
        (
            '{{ adjustment }}', {{ is_rate }}, {{ sql_text(term_a) }}, {{ sql_text(term_b) }}, {{ is_later }},
            {{ names.index(name) }}
        ){{ ',' if not loop.last }}
    {%- endfor %}
),

of_clusters as (
    select
        f.fit_id,
        {{ fit_block() }} as block_id,
        coalesce({{ fit_cluster() }}, case when s.basis <> 'rows' then 'units of ' || m.site end) as cluster_id,
        m.arm = a.treatment_arm as is_treated,
        slots.is_later,
        {%- for name in names %}
        coalesce(sum(m.product_sum::hugeint) filter (where slots.slot = {{ loop.index0 }}), 0) as {{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    {{ counted_in_fits(ref('int_moments')) }}
    inner join {{ ref('int_fits') }} as f on {{ fit }}
    inner join slots
        on
            f.adjustment = slots.adjustment and f.is_rate = slots.is_rate
            and m.term_a = slots.term_a and m.term_b = slots.term_b
    left join registered as g on m.analysis = g.analysis
    where
        s.state = 'included' and m.arm in (a.treatment_arm, a.control_arm)
        and (g.analysis is not null or 'baseline' not in (m.term_a, m.term_b))
    group by all
),

units as (
    select
        f.fit_id,
        {{ fit_block() }} as block_id,
        {{ fit_cluster() }} as fit_cluster_id,
        m.* exclude (block_id, cluster_id, term_baseline),
        case when f.adjustment = 'ancova' and g.analysis is not null then m.term_baseline end as term_baseline,
        m.arm = a.treatment_arm as is_treated,
        {%- if needs.is_compared %}
        m.term_before is null as is_later,
        m.weight_steps * case
            when f.is_rate then coalesce(m.term_exposure, m.term_exposure_before)
            when f.adjustment = 'difference_in_differences' then m.term_panel
            else 1
        end as unit_mass,
        case f.adjustment
            when 'difference_in_differences' then m.term_change
            else coalesce(m.term_outcome, m.term_outcome_before)
        end as unit_outcome
        {%- else %}
        true as is_later,
        m.weight_steps as unit_mass,
        m.term_outcome as unit_outcome
        {%- endif %}
    {{ counted_in_fits(ref('int_analysis_units')) }}
    inner join {{ ref('int_fits') }} as f on {{ fit }}
    left join registered as g on m.analysis = g.analysis
    where
        s.state = 'included' and m.arm in (a.treatment_arm, a.control_arm)
        and f.adjustment <> 'none' and unit_mass is not null and fit_cluster_id is null
)

select *
from of_clusters
where cluster_id is not null
union all
select
    fit_id,
    block_id,
    'unit ' || unit_key as cluster_id,
    is_treated,
    is_later,
    {%- for name in names %}
    {{ unit_product(name, columns) }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from units
order by fit_id, block_id, cluster_id, is_treated, is_later
{%- else %}
-- nothing is adjusted in this programme
select
    null::bigint as fit_id,
    null::varchar as block_id,
    null::varchar as cluster_id,
    null::boolean as is_treated,
    null::boolean as is_later,
    {%- for name in names %}
    null::hugeint as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
where false
{%- endif %}
