-- Judgements by rule and the admission that follows from them. A small count is hidden, and with it the share that was
-- measured; no reason quotes either.
with verdicts as (
    select
        'rule' as kind,
        rule,
        rule_type,
        dimension,
        severity,
        scope,
        site,
        wave,
        indicator,
        state as verdict,
        null::boolean as is_admitted,
        measured,
        comparison,
        threshold,
        violations,
        denominator,
        null::varchar as worst_rule,
        waiver,
        reason
    from {{ source('quality', 'judgements') }}
    union all by name
    select
        'admission' as kind,
        '*' as rule,
        site,
        wave,
        indicator,
        verdict,
        is_admitted,
        worst_rule,
        reason
    from {{ source('quality', 'admission') }}
),

protected as (
    select
        verdicts.* exclude (reason),
        {{ plain_reason('verdicts.reason', "verdicts.verdict = 'pass'") }} as reason,
        {{ suppress_count('verdicts.violations') }} as violation_count,
        {{ suppress_count('verdicts.denominator') }} as denominator_count,
        {{ is_small('verdicts.violations') }} or {{ is_small('verdicts.denominator') }} as is_suppressed
    from verdicts
    cross join {{ source('registry', 'programme') }} as programme
)

select
    kind,
    rule,
    coalesce(site, '*') as site,
    coalesce(wave, '*') as wave,
    coalesce(indicator, '*') as indicator,
    rule_type,
    dimension,
    severity,
    scope,
    verdict,
    is_admitted,
    {{ unless_suppressed('measured') }} as measured,
    comparison,
    threshold,
    violation_count,
    denominator_count,
    worst_rule,
    waiver is not null as is_waived,
    is_suppressed,
    reason
from protected
