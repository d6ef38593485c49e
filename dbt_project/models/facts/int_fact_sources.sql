-- Rules over what the sources of a site and wave hold as a whole: what is counted there cannot be told by site.
with questions as (
    select
        source,
        count(*) as filled,
        count_if(unmapped_count > 0) as unmapped
    from {{ ref('int_coverage') }}
    where role in ('item', 'unmapped') and answered_count + unmapped_count > 0
    group by source
),

tables as (
    select
        source,
        sum(row_count) filter (where parent_table is null) as records,
        sum(row_count) filter (where parent_table is not null) as repeated_rows
    from {{ source('registry', 'lake_tables') }}
    group by source
),

held as (
    select
        expected.site,
        expected.wave,
        coalesce(questions.filled, 0) as filled,
        coalesce(questions.unmapped, 0) as unmapped,
        sources.earlier_row_count as earlier,
        greatest(sources.earlier_row_count - coalesce(tables.records, 0), 0) as gone,
        coalesce(tables.repeated_rows, 0) + coalesce(sources.orphan_count, 0) as repeated,
        coalesce(sources.orphan_count, 0) as orphans
    from {{ ref('stg_expected_deliveries') }} as expected
    inner join {{ source('registry', 'sources') }} as sources on expected.source = sources.source
    left join questions on expected.source = questions.source
    left join tables on expected.source = tables.source
)

select
    rules.rule,
    held.site,
    held.wave,
    cast(case rules.rule_type
        when 'unmapped_questions' then sum(held.unmapped)
        when 'shrinkage' then sum(held.gone)
        when 'orphan_rows' then sum(held.orphans)
    end as bigint) as violations,
    cast(case rules.rule_type
        when 'unmapped_questions' then sum(held.filled)
        when 'shrinkage' then sum(held.earlier)
        when 'orphan_rows' then sum(held.repeated)
    end as bigint) as denominator,
    case
        when rules.rule_type = 'shrinkage' and coalesce(sum(held.earlier), 0) = 0
            then 'nothing was delivered before that could have become less'
        when rules.rule_type = 'orphan_rows' and sum(held.repeated) = 0
            then 'no source here has rows that belong to others'
    end as why_not_applicable
from {{ rules_of(['unmapped_questions', 'shrinkage', 'orphan_rows']) }} as rules
cross join held
group by rules.rule, rules.rule_type, held.site, held.wave
