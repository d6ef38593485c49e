-- Which submissions break a rule, by their own keys, for the sites that are to mend them: at most twenty by rule, site
-- and wave. Keys, never answers; private, and never published.
with broken as (
    {{ rule_examples('select rule from ' ~ ref('int_fact_answers') ~ ' where violations > 0') }}
),

answers as (
    select
        broken.rule,
        site_codes.site,
        broken.wave,
        broken.source,
        broken.record_id
    from broken
    inner join {{ ref('stg_site_codes') }} as site_codes
        on broken.source = site_codes.source and broken.site_code = site_codes.site_code
),

-- Units interviewed more than once, and units that the frame does not list.
submissions as (
    select
        rules.rule,
        submissions.site,
        submissions.wave,
        submissions.source,
        submissions.record_id
    from {{ ref('int_submissions') }} as submissions
    left join (select distinct unit_key from {{ ref('int_frame') }}) as framed
        on submissions.unit_key = framed.unit_key
    inner join {{ source('registry', 'rules') }} as rules
        on
            (rules.rule_type = 'key_unique' and submissions.submission_rank > 1)
            or (rules.rule_type = 'in_frame' and framed.unit_key is null)
),

numbered as (
    select
        *,
        row_number() over (partition by rule, site, wave order by source, record_id) as example_number
    from (
        select * from answers
        union
        select * from submissions
    ) as examples
    -- Records that no site or wave claims are listed as set aside; there is no site to tell of them here.
    where site is not null and wave is not null
)

select
    numbered.rule,
    numbered.site,
    numbered.wave,
    numbered.example_number,
    numbered.source,
    numbered.record_id,
    records.enumerator
from numbered
left join {{ ref('stg_records') }} as records
    on numbered.source = records.source and numbered.record_id = records.record_id
where numbered.example_number <= 20
order by numbered.rule, numbered.site, numbered.wave, numbered.example_number
