-- How much of what two sites asked people in a wave is the same: items that both asked with one type, one set of
-- answers and one unit, over all items that either asked (Jaccard's index, every item weighing the same). An item is
-- known by its name, whatever its instrument. Asked is what the form has, less the items whose column never came.
with sources as (
    select distinct
        a.source,
        a.site,
        a.wave,
        a.instrument,
        coalesce(a.wording, '') as wording,
        t.source is not null as has_come
    from {{ source('registry', 'asked') }} as a
    left join {{ source('registry', 'lake_tables') }} as t on a.source = t.source
    where not a.is_sent
),

questions as (
    select distinct
        s.site,
        s.wave,
        w.item,
        -- before anything has come, the form's word is taken; what only the form knows enters no lake
        {
            'item': w.item,
            'item_type': w.item_type,
            'codes': coalesce(w.codes, ''),
            'unit': coalesce(case when w.unit <> i.unit then w.unit end, u.unit, w.unit, '')
        } as question
    from sources as s
    inner join {{ source('registry', 'wording_items') }} as w on s.instrument = w.instrument and s.wording = w.wording
    inner join {{ source('registry', 'items') }} as i on w.instrument = i.instrument and w.item = i.item
    left join {{ source('registry', 'source_units') }} as u
        on s.source = u.source and w.instrument = u.instrument and w.item = u.item
    left join (
        select distinct
            source,
            item
        from {{ source('registry', 'lake_columns') }}
        where role = 'item'
    ) as c on s.source = c.source and w.item = c.item
    where c.item is not null or (not s.has_come and not i.is_derived)
),

questionnaires as (
    select
        site,
        wave,
        list(question order by question) as questions,
        list(distinct item order by item) as items
    from questions
    group by site, wave
),

-- few questionnaires serve many sites: they are compared once each
kinds as (
    select
        wave,
        questions,
        items,
        list(site order by site) as sites
    from questionnaires
    group by wave, questions, items
),

pairs as (
    select
        a.sites as sites_a,
        b.sites as sites_b,
        a.wave,
        len(list_distinct(list_transform(list_intersect(a.questions, b.questions), lambda q: q['item'])))
            as shared_items,
        len(a.items) as items_a,
        len(b.items) as items_b,
        len(list_distinct(list_concat(a.items, b.items))) as all_items
    from kinds as a
    inner join kinds as b on a.wave = b.wave
),

sites as (
    select
        * exclude (sites_a, sites_b),
        unnest(sites_a) as site_a,
        sites_b
    from pairs
)

select
    site_a,
    b.site_b,
    wave,
    shared_items / all_items as overlap_score,
    shared_items,
    items_a,
    items_b
from sites
cross join unnest(sites_b) as b (site_b)
where site_a < b.site_b
order by wave, site_a, b.site_b
