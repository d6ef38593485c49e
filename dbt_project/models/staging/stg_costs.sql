-- Rows of registers of costs, read as numbers and words, each turned into the programme's currency and prices;
-- `problem` says why a row cannot be counted. A row that names no currency is in the site's own, else in the base; one
-- that names no price year is in the prices of the year in which its wave began at the site.
{%- set categories = [
    'staff', 'training', 'targeting', 'materials', 'transport', 'equipment', 'incentives', 'overhead', 'evaluation',
    'other'
] %}
{%- set numbers = ['amount', 'price_year', 'participants'] %}
{%- set words = ['category', 'behaviour', 'payment'] %}
with sent as (
    {{ aggregate_rows('costs', ['wave', 'ingredient', 'currency'] + words + numbers) }}
),

placed as (
    select
        sent.* exclude ({{ (numbers + words) | join(', ') }}, currency),
        site_codes.site,
        {%- for word in words %}
            lower(sent.{{ word }}) as {{ word }},
        {%- endfor %}
        {%- for number in numbers %}
            {{ sent_decimal('sent.' ~ number) }} as {{ number }},
        {%- endfor %}
        {{ any_unreadable('sent', numbers) }} as is_unreadable,
        sent.price_year is null as is_year_untold,
        coalesce(upper(sent.currency), sites.currency, programme.base_currency) as currency,
        site_waves.from_date
    from sent
    cross join {{ source('registry', 'programme') }} as programme
    left join {{ ref('stg_site_codes') }} as site_codes
        on sent.source = site_codes.source and sent.site_code = site_codes.site_code
    left join {{ source('registry', 'sites') }} as sites on site_codes.site = sites.site
    left join {{ source('registry', 'site_waves') }} as site_waves
        on site_codes.site = site_waves.site and sent.wave = site_waves.wave
),

priced as (
    select
        placed.* exclude (price_year, from_date, is_year_untold),
        case when is_year_untold then year(from_date) else try_cast(price_year as integer) end as price_year
    from placed
)

select
    priced.source,
    priced.record_id,
    priced.site,
    priced.wave,
    coalesce(priced.category, 'other') as category,
    priced.ingredient,
    priced.behaviour,
    coalesce(priced.payment, 'paid') as payment,
    priced.amount::double as amount,
    priced.currency,
    priced.price_year,
    priced.amount::double * factors.factor::double as cost,
    try_cast(priced.participants as bigint) as participants,
    case
        when priced.site is null then 'its site is none of the programme'
        when priced.is_unreadable or priced.price_year is null then 'a number cannot be read'
        when priced.amount is null then 'it has no amount'
        when priced.amount < 0 then 'its amount is negative'
        when priced.participants < 1 or priced.participants <> floor(priced.participants)
            then 'its participants are no count of people'
        when priced.category not in ({{ sql_texts(categories) }}) then 'its category is none of those known'
        when priced.behaviour not in ('fixed', 'variable') then 'it is neither fixed nor variable'
        when priced.payment not in ('paid', 'donated') then 'it is neither paid nor donated'
        when factors.factor is null
            then 'no table converts it: ' || coalesce(factors.ground, 'neither its currency nor its year is there')
    end as problem
from priced
left join {{ source('registry', 'cost_factors') }} as factors
    on priced.currency = factors.currency and priced.price_year = factors.price_year
