-- What the change between pilot and scale goes with, in parts that add up to it; hidden where the retention is.
with protected as (
    select
        parts.*,
        {{ effect_unit('parts.measure', 'indicators.unit') }} as effect_unit,
        coalesce(retention.is_suppressed, false) as is_suppressed,
        {{ suppressed_words('people in an arm') }} as suppressed_words
    from {{ ref('int_effect_accounting') }} as parts
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    left join {{ ref('effect_retention') }} as retention using (analysis, indicator, wave)
)

select
    analysis,
    indicator,
    wave,
    part,
    part_order::integer as part_order,
    measure,
    effect_unit,
    {%- for number in ['estimate', 'estimate_se', 'df', 'estimate_low', 'estimate_high'] %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    case part
        when 'composition' then 'is associated with the kinds of people served at scale'
        when 'fidelity' then 'is associated with how faithfully sites ran the programme'
        when 'implementer' then 'is associated with who ran it'
        when 'rest' then 'is associated with none of these'
        else 'the whole change from pilot to scale'
    end as part_words,
    state,
    is_suppressed,
    if(is_suppressed, suppressed_words, why_missing) as why_missing
from protected
order by analysis, indicator, wave, part_order
