-- noqa: disable=LT02
{#- The terms whose weighted products the moments hold, and which of their pairs: what is known of the registry while a
    model is compiled decides, so that a programme that adjusts nothing pays for nothing. -#}

{#- Rows of a registry query; none where the registry was not written, as when models are only compiled. -#}
{% macro rows_of_registry_if_any(query) -%}
    {%- if execute and load_relation(source('registry', 'analysis_covariates')) is not none -%}
        {{ return(registry_rows(query)) }}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}

{#- Covariates that some analysis adjusts for, but the baseline: one for a number, one for each level but the first of a
    subgroup dimension. `term` is its name in the moments, `column` its name in int_analysis_units, `missing` marks the
    units of which it is not known. -#}
{% macro covariate_terms() -%}
    {%- set query -%}
        select
            c.covariate,
            c.kind,
            s.level,
            min(c.covariate_order) as place
        from {{ source('registry', 'analysis_covariates') }} as c
        left join {{ source('registry', 'subgroups') }} as s on c.kind = 'levels' and c.covariate = s.dimension
        where c.kind <> 'baseline'
        group by c.covariate, c.kind, s.level
        qualify c.kind = 'number' or row_number() over (partition by c.covariate order by s.level) > 1
        order by place, c.covariate, s.level
    {%- endset -%}
    {%- set found = [] -%}
    {%- for row in rows_of_registry_if_any(query) -%}
        {%- set name = row.covariate ~ ('=' ~ row.level if row.kind == 'levels' else '') -%}
        {%- do found.append({
            'covariate': row.covariate, 'kind': row.kind, 'level': row.level, 'name': name,
            'term': 'covariate:' ~ name, 'column': 'term_covariate_' ~ loop.index,
            'missing': 'covariate_missing:' ~ row.covariate,
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- The covariates behind those terms, each once. -#}
{% macro covariates_of(terms) -%}
    {%- set found = [] -%}
    {%- for term in terms if term.covariate not in found | map(attribute='covariate') | list -%}
        {%- do found.append({
            'covariate': term.covariate, 'kind': term.kind, 'term': term.missing,
            'column': 'term_missing_' ~ (found | length + 1), 'first': term.column,
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- What else the programme's analyses need, or nothing: is_adjusted for a baseline, has_covariates, is_compared by
    differences in differences, is_matched, is_taken_up. -#}
{% macro moment_needs() -%}
    {%- set query -%}
        select
            exists (from {{ source('registry', 'analysis_covariates') }} where kind = 'baseline') as is_adjusted,
            exists (from {{ source('registry', 'sites') }} where design = 'comparison') as is_compared,
            exists (from {{ source('registry', 'analyses') }} where take_up is not null) as is_taken_up,
            exists (from {{ source('registry', 'analysis_covariates') }}) as has_covariates,
            exists (from {{ source('registry', 'sites') }} where design = 'matched_comparison') as is_matched
    {%- endset -%}
    {%- set needs = (rows_of_registry_if_any(query) + [{}])[0] -%}
    {{ return(needs if true in needs.values() | list else {}) }}
{%- endmacro %}

{#- Pairs of terms, the first never after the second, each term with its column of int_analysis_units: the upper
    triangles of the Gram matrices that effects need. -#}
{% macro term_pairs() -%}
    {%- set needs = moment_needs() -%}
    {%- set covariates = covariate_terms() -%}
    {%- set told = covariates + covariates_of(covariates) -%}
    {%- set always = plain_terms(['one', 'outcome', 'baseline', 'exposure']) -%}
    {%- set groups = [always] -%}
    {%- if covariates or needs.is_adjusted -%}
        {%- do groups.append(
            plain_terms(['one', 'outcome', 'baseline'] + (['baseline_missing'] if needs.is_adjusted else [])) + told
        ) -%}
    {%- endif -%}
    {%- if needs.is_compared -%}
        {%- do groups.append(plain_terms(['panel', 'change']) + told) -%}
        {%- do groups.append(plain_terms(['before', 'outcome_before', 'exposure_before'])) -%}
    {%- endif -%}
    {%- if needs.is_taken_up -%}
        {%- do groups.append(plain_terms(['one', 'outcome', 'take_up'])) -%}
        {%- do groups.append(plain_terms(['one', 'outcome', 'take_up_missing'])) -%}
    {%- endif -%}
    {%- set pairs = [] -%}
    {%- set seen = [] -%}
    {%- for group in groups -%}
        {%- for first in group -%}
            {%- for second in group[loop.index0:] if first.term ~ ' ' ~ second.term not in seen -%}
                {%- do seen.append(first.term ~ ' ' ~ second.term) -%}
                {%- do pairs.append((first, second)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(pairs) }}
{%- endmacro %}

{% macro plain_terms(names) -%}
    {%- set terms = [] -%}
    {%- for name in names -%}{%- do terms.append({'term': name, 'column': 'term_' ~ name}) -%}{%- endfor -%}
    {{ return(terms) }}
{%- endmacro %}
