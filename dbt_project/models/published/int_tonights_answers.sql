-- Tonight's answer to every question whose analysis is closed, or at a planned look, beside the last one given.
-- An answer is another one where its verdict differs, or a number beyond its ninth digit.
{{ config(materialized='ephemeral') }}
with tonight as (
    select
        retention.analysis,
        retention.indicator,
        retention.wave,
        retention.verdict,
        headline.effect,
        headline.effect_se,
        {% for number in answer_numbers()[2:] -%}
            retention.{{ number }},
        {% endfor -%}
        retention.retention_set,
        questions.definition_hash,
        case when retention.is_suppressed then 'suppressed' else 'published' end as numbers_state
    from {{ ref('effect_retention') }} as retention
    inner join {{ source('registry', 'analysis_indicators') }} as questions using (analysis, indicator)
    left join {{ ref('headline') }} as headline using (analysis, indicator, wave)
    where retention.verdict <> 'interim'
),

latest as (
    select *
    from {{ source('registry', 'earlier_answers') }}
    qualify row_number() over (partition by analysis, indicator, wave order by answer_number desc) = 1
)

select
    tonight.*,
    coalesce(latest.answer_number, 0) as last_number,
    latest.answered_on as last_answered_on,
    coalesce(latest.definition_hash = tonight.definition_hash, true) as is_defined_as_before,
    latest.answer_number is null or {{ answer_key('tonight') }} <> {{ answer_key('latest') }} as is_another
from tonight
left join latest using (analysis, indicator, wave)
