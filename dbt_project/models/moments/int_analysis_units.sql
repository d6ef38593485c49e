{{ config(materialized='view') }}
-- noqa: disable=LT02,ST11
-- The units each analysis counts, with their outcome and subgroup: one row per unit and slice, streamed, never stored.
-- A unit counts at the site of its frame; where it was measured at another site, that site must be admitted too.
-- Terms that only some analyses need are null for the others: baseline_missing, covariates, take_up; panel and change
-- for the same people before and after; and, where other people were measured before, rows of the baseline wave, whose
-- terms end in `before`. What is adjusted for is not known where its own cell was not admitted.
-- depends_on: {{ ref('int_site_adjustments') }}, {{ ref('int_covariates') }}
{%- set needs = moment_needs() %}
{%- set covariates = covariate_terms() %}
with dated as (
    select distinct
        round,
        unit_key,
        wave
    from {{ ref('int_frame') }}
    where wave is not null
),

limited as (
    select distinct analysis
    from {{ source('registry', 'analysis_cohorts') }}
),

{% if needs -%}
{{ adjustment_traits(covariates) }},

{% endif -%}
members as (
    select
        s.analysis,
        s.indicator,
        s.site,
        s.wave,
        case when s.state = 'interim' then 'pooled' else f.arm end as arm,
        f.block_id,
        f.cluster_id,
        f.round,
        f.unit_key,
        {{ is_quotient('i.statistic') }} as is_rate,
        (f.weight * 1000000)::hugeint as weight_steps,
{%- if needs %}
        {{ adjusted_terms(needs, covariates) }}
{%- else %}
        1::hugeint as term_one,
        o.value_steps::hugeint as term_outcome,
        o.baseline_steps::hugeint as term_baseline,
        o.exposure_steps::hugeint as term_exposure
{%- endif %}
    from {{ 'asked' if needs else ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
    inner join {{ ref('int_outcomes') }} as o
        on s.{{ 'measured_in' if needs else 'wave' }} = o.wave and s.indicator = o.indicator
    left join dated on a.round = dated.round and o.unit_key = dated.unit_key and o.wave = dated.wave
    inner join {{ ref('int_frame') }} as f
        on
            a.round = f.round
            and o.unit_key = f.unit_key
            and s.site = f.site
            and coalesce(f.wave, o.wave) = o.wave
            and (f.wave is not null or dated.unit_key is null)
            and f.arm in (a.treatment_arm, a.control_arm)
            and (a.replacements = 'include' or not f.is_replacement)
    left join {{ source('quality', 'admission') }} as found
        on o.site_found = found.site and o.wave = found.wave and o.indicator = found.indicator
    left join {{ ref('int_look_units') }} as looked
        on s.analysis = looked.analysis and s.wave = looked.wave and o.unit_key = looked.unit_key
    left join limited on s.analysis = limited.analysis
    left join {{ source('registry', 'analysis_cohorts') }} as c on s.analysis = c.analysis and f.cohort = c.cohort
{%- if covariates %}
    left join traits on f.round = traits.round and f.unit_key = traits.unit_key
{%- endif %}
{%- if needs.is_taken_up %}
    left join admitted as trusted on f.site = trusted.site and o.wave = trusted.wave and a.take_up = trusted.indicator
    left join {{ ref('int_outcomes') }} as t
        on trusted.indicator = t.indicator and o.wave = t.wave and o.unit_key = t.unit_key
{%- endif %}
    where
        s.is_admitted
        and o.value_steps is not null
        and f.weight is not null
        and (limited.analysis is null or c.cohort is not null)
        and (coalesce(o.site_found, f.site) = f.site or found.is_admitted)
        and (s.look is null or looked.unit_key is not null)
)

select
    members.*,
    'all' as dimension,
    'all' as level
from members
union all
select
    m.*,
    g.dimension,
    g.level
from members as m
inner join {{ source('registry', 'indicator_subgroups') }} as d on m.indicator = d.indicator
inner join {{ ref('int_subgroups') }} as g
    on m.round = g.round and m.unit_key = g.unit_key and d.dimension = g.dimension
