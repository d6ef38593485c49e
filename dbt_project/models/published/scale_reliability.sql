-- Cronbach's alpha of every scale at each site, over all admitted sites of a wave, and over all of their waves:
--     alpha = k / (k - 1) * (1 - sum of the items' variances / variance of their sum)   (Cronbach 1951)
-- over those who answered every item, of all arms together. Sums are exact integers: n^2 times a variance is
-- n * sum(x^2) - sum(x)^2. A negative alpha is told as it is.
with cells as (
    select
        e.indicator,
        e.site,
        e.wave,
        coalesce(g.is_admitted, false) as is_admitted,
        coalesce(g.reason, 'no verdict of quality was given') as reason,
        e.basis
    from {{ source('registry', 'expected_cells') }} as e
    inner join {{ source('registry', 'indicators') }} as i on e.indicator = i.indicator
    left join {{ source('quality', 'admission') }} as g
        on e.indicator = g.indicator and e.site = g.site and e.wave = g.wave
    where i.statistic in ('scale_sum', 'scale_mean')
),

-- the whole of a wave, and of all waves, are groups as a site is one
places as (
    select
        indicator,
        site as member,
        wave as member_wave,
        is_admitted,
        reason,
        basis,
        unnest([
            { 'site': site, 'wave': wave },
            { 'site': 'network', 'wave': wave },
            { 'site': 'network', 'wave': 'all' }
        ]) as place
    from cells
),

sums as (
    select
        p.indicator,
        p.place['site'] as site,
        p.place['wave'] as wave,
        s.item,
        sum(s.n)::hugeint as n,
        sum(s.total)::hugeint as total,
        sum(s.squares)::hugeint as squares
    from places as p
    inner join {{ ref('int_scale_sums') }} as s
        on p.indicator = s.indicator and p.member = s.site and p.member_wave = s.wave
    where p.is_admitted
    group by all
),

alphas as (
    select
        indicator,
        site,
        wave,
        max(n) as n,
        coalesce(sum(n * squares - total * total) filter (where item <> ''), 0)::hugeint as of_items,
        coalesce(sum(n * squares - total * total) filter (where item = ''), 0)::hugeint as of_sum
    from sums
    group by indicator, site, wave
),

items as (
    select
        indicator,
        count(*)::integer as item_count
    from {{ source('registry', 'indicator_terms') }}
    where term = 'component'
    group by indicator
),

grouped as (
    select
        indicator,
        place['site'] as site,
        place['wave'] as wave,
        bool_or(is_admitted) as is_admitted,
        min(reason) as reason,
        bool_and(basis <> 'rows') as is_sent
    from places
    group by all
),

-- a wave is the total of its sites, and all waves that of each
totals as (
    select
        p.indicator,
        p.place['site'] as site,
        p.place['wave'] as wave,
        {{ is_total_hidden(is_small('a.n'), 'a.n') }} as is_hidden
    from places as p
    cross join {{ source('registry', 'programme') }} as programme
    left join alphas as a on p.indicator = a.indicator and p.member = a.site and p.member_wave = a.wave
    where p.is_admitted and p.place['site'] = 'network'
    group by all
),

protected as (
    select
        p.*,
        coalesce(k.item_count, 0) as item_count,
        coalesce(a.n, 0)::bigint as people,
        case
            when not p.is_admitted then 'withheld'
            when p.is_sent then 'needs_rows'
            when coalesce(k.item_count, 0) < 2 then 'one_item'
            when people = 0 then 'no_data'
            when people < 2 or a.of_sum = 0 then 'constant'
            else 'measured'
        end as state,
        case
            when state = 'measured'
                then k.item_count / (k.item_count - 1)::double * ((a.of_sum - a.of_items)::double / a.of_sum::double)
        end as value,
        coalesce(t.is_hidden or (p.wave = 'all' and bool_or(t.is_hidden) over (partition by p.indicator)), false)
            as is_total_hidden,
        {{ suppress_count('coalesce(a.n, 0)', 'is_total_hidden') }} as published_n,
        {{ is_small('a.n') }} or is_total_hidden as is_suppressed,
        {{ suppressed_words() }} as suppressed_words
    from grouped as p
    cross join {{ source('registry', 'programme') }} as programme
    left join items as k on p.indicator = k.indicator
    left join alphas as a on p.indicator = a.indicator and p.site = a.site and p.wave = a.wave
    left join totals as t on p.indicator = t.indicator and p.site = t.site and p.wave = t.wave
)

select
    indicator,
    site,
    wave,
    'cronbach_alpha' as estimator,
    {{ unless_suppressed('value') }} as alpha,
    item_count,
    published_n as n,
    'everybody of the frame who answered every item, of all arms together' as estimand,
    state,
    is_suppressed,
    case
        when is_suppressed then suppressed_words
        when state = 'withheld' then {{ plain_reason('reason') }}
        when state = 'needs_rows' then 'needs rows: moments do not tell how items go together'
        when state = 'one_item' then 'a scale of one item has no reliability of this kind'
        when state = 'no_data' then 'nobody answered every item'
        when state = 'constant' then 'everybody has the same score'
    end as why_missing
from protected
cross join {{ source('registry', 'programme') }} as programme
order by indicator, site, wave
