-- Rules over arms: sizes that contradict the design.
with cells as (
    select distinct
        site,
        wave
    from {{ ref('stg_expected_deliveries') }}
)

select
    rules.rule,
    shares.site,
    cells.wave,
    cast(null as bigint) as violations,
    shares.denominator,
    shares.p_value as measured,
    shares.why_not_applicable
from {{ rules_of(['arm_shares']) }} as rules
cross join {{ ref('int_fact_arm_shares') }} as shares
inner join cells on shares.site = cells.site
