-- Of every item behind a cell that people answered: was it asked in a unit that can be converted, and with the type,
-- the answers and the limits of the reference wording? The forms are compared, not what anybody says of them.
with wanted as (
    select
        a.source,
        a.site,
        a.wave,
        a.indicator,
        t.instrument,
        t.item,
        t.term,
        coalesce(a.wording, case when a.instrument = r.instrument then r.wording end, '') as asked_wording,
        coalesce(case when a.instrument = r.instrument then r.wording end, '') as reference_wording,
        s.unit as source_unit,
        i.statistic = 'amount' as needs_unit,
        coalesce(
            t.to_unit,
            case
                when i.statistic in ('amount', 'mean') and i.over_repeat is distinct from 'count' then i.unit
            end
        ) as wanted_unit
    from {{ source('registry', 'asked') }} as a
    inner join {{ source('registry', 'indicator_references') }} as r on a.indicator = r.indicator
    inner join {{ source('registry', 'indicators') }} as i on a.indicator = i.indicator
    inner join {{ source('registry', 'indicator_terms') }} as t
        on a.indicator = t.indicator and a.instrument = t.instrument
    left join {{ source('registry', 'source_units') }} as s
        on a.source = s.source and t.instrument = s.instrument and t.item = s.item
    where not a.is_sent
),

pairs as (
    select
        w.*,
        x.unit as wording_unit,
        coalesce(x.unit, '') not in (coalesce(i.unit, ''), coalesce(w.source_unit, '')) as is_read_wrongly,
        x.item is null as is_left_out,
        [x.item_type, x.codes]::varchar <> [i.item_type, i.codes]::varchar as has_other_answers,
        [x.min_value, x.max_value]::varchar <> [i.min_value, i.max_value]::varchar as has_other_range,
        {%- for side, alias in [('asked', 'x'), ('reference', 'i')] %}
            concat_ws(
                ', ', {{ alias }}.item_type, 'answers ' || {{ alias }}.codes,
                'from ' || format('{:.10g}', {{ alias }}.min_value), 'to ' || format('{:.10g}', {{ alias }}.max_value)
            ) as {{ side }}_answers,
        {%- endfor %}
        coalesce(
            w.source_unit = w.wanted_unit
            or w.wanted_unit is null
            or (w.source_unit is null and not w.needs_unit)
            or exists (
                select 1
                from {{ source('registry', 'conversions') }} as c
                where c.from_unit = w.source_unit and c.to_unit = w.wanted_unit
            )
            or exists (
                select 1
                from {{ source('registry', 'money_factors') }} as m
                where
                    m.from_unit = w.source_unit and m.to_unit = w.wanted_unit
                    and m.site = w.site and m.wave = w.wave and m.factor is not null
            ),
            false
        ) as is_convertible
    from wanted as w
    inner join {{ source('registry', 'wording_items') }} as i
        on w.instrument = i.instrument and w.reference_wording = i.wording and w.item = i.item
    left join {{ source('registry', 'wording_items') }} as x
        on w.instrument = x.instrument and w.asked_wording = x.wording and w.item = x.item
)

select
    source,
    site,
    wave,
    indicator,
    unnest([
        {{ finding('unit', [
            ('not is_left_out and is_read_wrongly', "'unit'"),
            ('not is_convertible', "'unit'"),
        ], "item || ' in ' || coalesce(case when is_read_wrongly then wording_unit end, source_unit, 'no unit')",
           'wanted_unit') }},
        {{ finding('answers', [
            ('is_left_out', "'answers'"),
            ('has_other_answers', "'answers'"),
            ("has_other_range and term = 'component'", "'answers'"),
            ('has_other_range', "'answer_range'"),
        ], "item || case when is_left_out then ' not asked' else ': ' || asked_answers end",
           'reference_answers') }}
    ], recursive := true)
from pairs
