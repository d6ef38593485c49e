-- Comparability before pooling: A where a cell was measured as the indicator's registered reference says, B where it
-- departs from it in what the rules call minor, else C. The worst aspect of the worst source counts. What nobody
-- declared is taken as the reference says, and named.
{%- set key = 'indicator, site, wave' %}
{%- set aspects = ['instrument', 'wording', 'language', 'recall', 'window', 'population', 'mode', 'unit', 'answers'] %}
with findings as (
    select * from {{ ref('int_comparability_findings') }}
    union all by name
    -- an index is as comparable as the worst of its components
    select
        f.* exclude (indicator, words),
        x.indicator,
        x.component || ': ' || f.words as words
    from {{ ref('int_comparability_findings') }} as f
    inner join {{ source('registry', 'index_components') }} as x on f.indicator = x.component
    inner join {{ source('registry', 'expected_cells') }} as e
        on x.indicator = e.indicator and f.site = e.site and f.wave = e.wave and e.basis = 'rows'
),

aspects as (
    select
        {{ key }},
        aspect,
        max(class) as class,
        string_agg(distinct words, '; ' order by words) filter (where is_other) as words,
        max_by(difference, coalesce(list_position(['unregistered', 'none', 'undeclared'], difference), 4)) as state
    from findings
    group by {{ key }}, aspect
),

said as (
    select
        *,
        words is not null as is_other,
        case state
            when 'undeclared' then 'nothing declared'
            when 'unregistered' then 'not registered'
            when 'none' then 'same'
            else class || ': ' || words
        end as finding
    from aspects
),

cells as (
    select
        {{ key }},
        max(class) as comparability_class,
        {%- for aspect in aspects %}
            coalesce(max(finding) filter (where aspect = '{{ aspect }}'), 'not registered') as {{ aspect }}_finding,
        {%- endfor %}
        -- the worst first
        string_agg(aspect || ' (' || finding || ')', '; ' order by class = 'A', class = 'B', aspect)
        filter (where is_other) as differences,
        string_agg(aspect, ', ' order by aspect) filter (where state = 'undeclared') as undeclared
    from said
    group by {{ key }}
)

select
    c.* exclude (differences, undeclared),
    concat_ws(
        '; ',
        coalesce(c.differences, if(r.is_registered, 'as in the reference', 'as the indicator itself says')),
        if(r.is_registered, null, 'no reference version is registered'),
        'nothing declared about ' || c.undeclared
    ) as comparability_reason,
    concat_ws(
        ', ',
        r.instrument || coalesce(' ' || r.wording, ''),
        'in ' || replace(r.language, ',', ' or '),
        r.unit,
        'over the last ' || {{ days_words('r.recall_days') }},
        'days ' || w.from_day || ' to ' || w.to_day || ' after ' || replace(w.after, '_', ' '),
        r.population,
        replace(r.mode, '_', ' ')
    ) as reference
from cells as c
inner join {{ source('registry', 'indicator_references') }} as r on c.indicator = r.indicator
left join {{ source('registry', 'reference_windows') }} as w on c.indicator = w.indicator and c.wave = w.wave
order by c.indicator, c.site, c.wave
