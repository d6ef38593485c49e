-- Every answer ever given: the earlier ones as they were published, and tonight's where it is another.
with changed_sources as (
    select string_agg(sources.source, ', ' order by sources.source) as names
    from {{ source('registry', 'sources') }} as sources
    left join {{ source('registry', 'earlier_inputs') }} as earlier on sources.source = earlier.source
    where sources.input_hash is distinct from earlier.input_hash
),

reasons as (
    select
        coalesce(string_agg(case news.kind
            when 'inputs' then 'exports of ' || coalesce(changed_sources.names, 'a source that is gone')
            when 'registry' then 'the registry (YAML, or tables and rows of exports)'
            when 'rules' then 'rules of quality'
            when 'time' then 'a date that passed'
            when 'code' then 'Sitewise itself'
        end, '; ' order by news.kind), 'nothing that is known') as words
    from {{ source('registry', 'news') }} as news
    cross join changed_sources
),

notes as (
    select
        tonight.analysis,
        tonight.indicator,
        tonight.wave,
        string_agg(
            notes.on_date::varchar || ': ' || notes.what || ' (' || notes.why || ')', '; ' order by notes.on_date
        ) as words
    from {{ ref('int_tonights_answers') }} as tonight
    inner join {{ source('registry', 'analysis_amendments') }} as notes on tonight.analysis = notes.analysis
    where notes.on_date >= coalesce(tonight.last_answered_on, notes.on_date)
    group by tonight.analysis, tonight.indicator, tonight.wave
),

answers as (
    select * from {{ source('registry', 'earlier_answers') }}
    union all by name
    select
        tonight.* exclude (last_number, last_answered_on, is_defined_as_before, is_another),
        (tonight.last_number + 1)::integer as answer_number,
        programme.as_of_date as answered_on,
        case when tonight.last_number = 0 then 'first answer' else reasons.words end as what_changed,
        notes.words as registered_note,
        tonight.is_defined_as_before or notes.words is not null as is_registered
    from {{ ref('int_tonights_answers') }} as tonight
    cross join {{ source('registry', 'programme') }} as programme
    cross join reasons
    left join notes using (analysis, indicator, wave)
    where tonight.is_another
)

select
    analysis,
    indicator,
    wave,
    answer_number,
    answered_on,
    answer_number = max(answer_number) over (partition by analysis, indicator, wave) as is_current,
    verdict,
    {% for number in answer_numbers() -%}
        {{ number }},
    {% endfor -%}
    retention_set,
    numbers_state,
    what_changed,
    registered_note,
    is_registered,
    definition_hash
from answers
order by analysis, indicator, wave, answer_number
