-- noqa: disable=LT02
{#- What int_analysis_units adds where some analysis adjusts for something, compares changes, or asks who took part. -#}

{#- CTEs: `admitted` cells; `asked`, the analyses' sites with the wave to read and what they need; `traits`, a column
    for each covariate. -#}
{% macro adjustment_traits(covariates) -%}
admitted as (
    select
        site,
        wave,
        indicator
    from {{ source('quality', 'admission') }}
    where is_admitted
),

adjusting as (
    select
        analysis,
        bool_or(kind = 'baseline') as has_baseline,
        list(covariate) as covariates
    from {{ source('registry', 'analysis_covariates') }}
    group by analysis
),

needing as (
    select
        s.*,
        m.adjustment,
        b.wave as baseline_wave,
        coalesce(j.has_baseline, false) as has_baseline,
        coalesce(j.covariates, []) as covariates,
        b.wave is not null as is_baseline_admitted
    from {{ ref('int_analysis_sites') }} as s
    left join {{ ref('int_site_adjustments') }} as m
        on s.analysis = m.analysis and s.wave = m.wave and s.indicator = m.indicator and s.site = m.site
    left join adjusting as j on s.analysis = j.analysis
    left join (
        select admitted.* from admitted inner join {{ source('registry', 'waves') }} as w
            on admitted.wave = w.wave and w.is_baseline
    ) as b on s.site = b.site and s.indicator = b.indicator and s.wave <> b.wave
),

asked as (
    select
        *,
        wave as measured_in,
        false as is_before
    from needing
    union all
    select
        *,
        baseline_wave as measured_in,
        true as is_before
    from needing
    where adjustment = 'repeated_cross_sections' and is_baseline_admitted
)
{%- if covariates %},

traits as (
    select
        round,
        unit_key
        {%- for term in covariates %},
        max({{ 'steps' if term.kind == 'number' else '(level = ' ~ sql_text(term.level) ~ ')::int' }})
            filter (where covariate = {{ sql_text(term.covariate) }})::hugeint as {{ term.column }}
        {%- endfor %}
    from (
        select round, unit_key, covariate, null as level, steps from {{ ref('int_covariates') }}
        union all
        select round, unit_key, dimension, level, null from {{ ref('int_subgroups') }}
    ) as told
    group by round, unit_key
)
{%- endif %}
{%- endmacro %}

{#- The terms themselves; see int_analysis_units for when one is null. -#}
{% macro adjusted_terms(needs, covariates) -%}
    case when not s.is_before then 1::hugeint end as term_one,
    case when not s.is_before then o.value_steps::hugeint end as term_outcome,
    case
        when
            not s.is_before and (
                s.is_baseline_admitted
                or not (s.adjustment = 'difference_in_differences' or (s.has_baseline and s.adjustment = 'ancova'))
            )
            then o.baseline_steps::hugeint
    end as term_baseline,
    case when not s.is_before then o.exposure_steps::hugeint end as term_exposure,
    case
        when not s.is_before and s.has_baseline and s.adjustment = 'ancova' and term_baseline is null then 1::hugeint
    end as term_baseline_missing
    {%- if needs.is_compared %},
    case when s.adjustment = 'difference_in_differences' and term_baseline is not null then 1::hugeint end as term_panel,
    case
        when term_panel is not null
            then term_outcome - case when coalesce(i.is_change, false) then 0 else term_baseline end
    end as term_change,
    case when s.is_before then 1::hugeint end as term_before,
    case when s.is_before then o.value_steps::hugeint end as term_outcome_before,
    case when s.is_before then o.exposure_steps::hugeint end as term_exposure_before
    {%- endif %}
    {%- for covariate in covariates_of(covariates) %},
    (
        s.adjustment = 'ancova' or {{ 'term_panel is not null' if needs.is_compared else 'false' }}
    ) and list_contains(s.covariates, {{ sql_text(covariate.covariate) }}) as asks_{{ loop.index }}
    {%- set place = loop.index %}
    {%- for term in covariates if term.covariate == covariate.covariate %},
    case when asks_{{ place }} then traits.{{ term.column }} end as {{ term.column }}
    {%- endfor %},
    case when asks_{{ place }} and traits.{{ covariate.first }} is null then 1::hugeint end as {{ covariate.column }}
    {%- endfor %}
    {%- if needs.is_taken_up %},
    case when not s.is_before then t.value_steps::hugeint end as term_take_up,
    case when not s.is_before and a.take_up is not null and t.value_steps is null then 1::hugeint end
        as term_take_up_missing
    {%- endif %}
{%- endmacro %}
