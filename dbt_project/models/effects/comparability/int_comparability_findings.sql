-- Every cell measured, aspect by aspect, against the one registered reference version of its indicator: what differs,
-- and the class that the indicator's rules give that difference. From the registry alone, never from outcomes.
with cells as (
    select
        a.*,
        r.instrument as reference_instrument,
        r.wording as reference_wording,
        r.language as reference_language,
        r.recall_days as reference_recall_days,
        r.mode as reference_mode,
        r.population as reference_population,
        r.unit as reference_unit,
        a.instrument <> r.instrument and not a.is_sent as is_second_instrument,
        w.from_day as first_day,
        w.to_day as last_day,
        case w.after when 'treatment_start' then g.treated_from else z.from_date end as day_zero,
        coalesce(a.from_day, date_diff('day', day_zero, d.from_date)) as asked_from,
        coalesce(a.to_day, date_diff('day', day_zero, coalesce(d.closes_date, d.from_date))) as asked_to,
        greatest(w.from_day - asked_from, asked_to - w.to_day, 0) as days_outside,
        abs(a.recall_days - r.recall_days) / r.recall_days * 100 as recall_pct,
        near.tolerance as near_days,
        small.tolerance as small_pct,
        l.linked is not null as is_linked
    from {{ source('registry', 'asked') }} as a
    inner join {{ source('registry', 'indicator_references') }} as r on a.indicator = r.indicator
    left join {{ source('registry', 'reference_windows') }} as w on a.indicator = w.indicator and a.wave = w.wave
    left join {{ source('registry', 'site_waves') }} as d on a.site = d.site and a.wave = d.wave
    left join {{ source('registry', 'site_waves') }} as z on a.site = z.site and w.after = z.wave
    left join {{ ref('int_site_stages') }} as g on a.site = g.site
    left join {{ source('registry', 'wording_links') }} as l
        on a.instrument = l.instrument and a.wording = l.wording and r.wording = l.linked
    left join {{ source('registry', 'comparability_rules') }} as near
        on a.indicator = near.indicator and near.difference = 'near_window'
    left join {{ source('registry', 'comparability_rules') }} as small
        on a.indicator = small.indicator and small.difference = 'small_recall'
),

-- a wording belongs to its instrument: where several feed an indicator, the reference's is that of one of them
findings as (
    select
        source,
        site,
        wave,
        indicator,
        unnest([
            {{ finding('instrument', [
                ('not is_sent', "'none'"),
                ('reference_instrument is null', "'unregistered'"),
                ('instrument is null', "'undeclared'"),
                ('instrument <> reference_instrument', "'instrument'"),
            ], 'instrument', 'reference_instrument') }},
            {{ finding('wording', [('is_second_instrument', "'unregistered'")]
                + same_or_not('wording', 'reference_wording', 'none')[:2] + [
                ('wording = reference_wording', "'none'"),
                ('is_linked', "'linked_wording'"),
                ('true', "'wording'"),
            ], 'wording', 'reference_wording') }},
            {{ finding('language', [
                ("translation = 'same_language'", "'none'"),
                ('language is null and translation is not null', 'translation'),
                ('reference_language is null', "'unregistered'"),
                ('language is null', "'undeclared'"),
                ("not list_has_all(string_split(reference_language, ','), string_split(language, ','))",
                 "coalesce(translation, 'untranslated')"),
            ], "coalesce(replace(language, ',', ', '), 'another language')
                || coalesce(', ' || replace(translation, '_', ' '), ', nothing declared of a translation')",
               "replace(reference_language, ',', ', ')") }},
            {{ finding('recall', [
                ('reference_recall_days is null', "'unregistered'"),
                ('recall_days is null', "'undeclared'"),
                ('recall_pct <= 1e-9', "'none'"),
                ('recall_pct <= small_pct', "'small_recall'"),
                ('true', "'recall'"),
            ], days_words('recall_days'), days_words('reference_recall_days')) }},
            {{ finding('window', [
                ('first_day is null', "'unregistered'"),
                ('days_outside is null', "'undeclared'"),
                ('days_outside = 0', "'none'"),
                ('days_outside <= near_days', "'near_window'"),
                ('true', "'window'"),
            ], "'days ' || asked_from || ' to ' || asked_to", "'days ' || first_day || ' to ' || last_day") }},
            {{ finding('population', same_or_not('population', 'reference_population', 'population'),
                       'population', 'reference_population') }},
            {{ finding('mode', same_or_not('mode', 'reference_mode', 'mode'),
                       "replace(mode, '_', ' ')", "replace(reference_mode, '_', ' ')") }},
            -- numbers that are sent are taken as they are, so another unit is another number
            {{ finding('unit', [
                ('not is_sent', "'none'"),
                ('unit is null', "'undeclared'"),
                ('unit <> reference_unit', "'unit'"),
            ], 'unit', 'reference_unit') }}
        ], recursive := true)
    from cells
    union all
    select *
    from {{ ref('int_comparability_answers') }}
),

-- where a change is measured, its baseline is no cell of its own, but is compared all the same
measured as (
    select
        site,
        wave,
        indicator
    from {{ source('registry', 'expected_cells') }}
    union
    select
        e.site,
        w.wave,
        e.indicator
    from {{ source('registry', 'expected_cells') }} as e
    inner join {{ source('registry', 'indicators') }} as i on e.indicator = i.indicator and i.is_change
    inner join {{ source('registry', 'waves') }} as w on w.is_baseline
)

select
    f.*,
    p.class,
    f.difference not in ('none', 'undeclared', 'unregistered') as is_other,
    f.asked || ', in the reference ' || coalesce(f.reference, 'not said') as words
from findings as f
inner join measured as m on f.site = m.site and f.wave = m.wave and f.indicator = m.indicator
inner join {{ source('registry', 'comparability_rules') }} as p
    on f.indicator = p.indicator and f.difference = p.difference
order by f.indicator, f.site, f.wave, f.aspect, f.source, f.asked
