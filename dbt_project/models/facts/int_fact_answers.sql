-- Rules over answers: violations and denominators by rule, site and wave.
with counts as (
    {{ rule_counts() }}
),

counts_by_site as (
    select
        counts.rule,
        site_codes.site,
        counts.wave,
        sum(counts.violations) as violations,
        sum(counts.denominator) as denominator
    from counts
    inner join {{ ref('stg_site_codes') }} as site_codes
        on counts.source = site_codes.source and counts.site_code = site_codes.site_code
    group by counts.rule, site_codes.site, counts.wave
),

rule_sources as (
    select distinct
        rule,
        source
    from {{ source('registry', 'rule_terms') }}
),

-- A source that delivered without the question leaves its records unjudged: the rule was not evaluated there.
unjudged as (
    select
        rules.rule,
        submissions.site,
        submissions.wave,
        min(submissions.source) as source
    from {{ source('registry', 'rules') }} as rules
    inner join {{ ref('int_submissions') }} as submissions on rules.instrument = submissions.instrument
    left join rule_sources on rules.rule = rule_sources.rule and submissions.source = rule_sources.source
    where rules.rule_type not in ({{ structural_rule_types() }}) and rule_sources.rule is null
    group by rules.rule, submissions.site, submissions.wave
),

expected as (
    select distinct
        rule_sources.rule,
        deliveries.site,
        deliveries.wave
    from rule_sources
    inner join {{ ref('stg_expected_deliveries') }} as deliveries on rule_sources.source = deliveries.source
)

select
    expected.rule,
    expected.site,
    expected.wave,
    cast(coalesce(counts_by_site.violations, 0) as bigint) as violations,
    cast(coalesce(counts_by_site.denominator, 0) as bigint) as denominator
from expected
left join counts_by_site
    on
        expected.rule = counts_by_site.rule
        and expected.site = counts_by_site.site
        and expected.wave = counts_by_site.wave
left join unjudged
    on expected.rule = unjudged.rule and expected.site = unjudged.site and expected.wave = unjudged.wave
where unjudged.rule is null
