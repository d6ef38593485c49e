-- noqa: disable=LT02
{#- What one answer is worth in the unit that its indicator reckons in: an exact decimal, the same for every arm. -#}

{#- For every term of an indicator and every source that asks it: `factor` where it is the same for all its records,
    or `cases` where it depends on the site and the wave (money: the prices of a year). No row: there is no
    conversion. A conversion that the programme declares goes before one that follows from its tables of money. -#}
{% macro unit_factors() -%}
    {%- set query -%}
        with wanted as (
            select
                terms.*,
                indicators.statistic,
                coalesce(
                    terms.to_unit,
                    case
                        when indicators.statistic in ('amount', 'mean') and indicators.over_repeat is distinct from 'count'
                            then indicators.unit
                    end
                ) as wanted_unit
            from {{ source('registry', 'indicator_terms') }} as terms
            inner join {{ source('registry', 'indicators') }} as indicators on terms.indicator = indicators.indicator
        ),
        asked as (
            select wanted.indicator, wanted.term, wanted.item, wanted.statistic, wanted.wanted_unit,
                sources.source, units.unit
            from wanted
            inner join {{ source('registry', 'sources') }} as sources on wanted.instrument = sources.instrument
            left join {{ source('registry', 'source_units') }} as units
                on sources.source = units.source and wanted.instrument = units.instrument and wanted.item = units.item
        ),
        declared as (
            select from_unit, to_unit, arg_max(factor, (dated, -factor)) as factor
            from {{ source('registry', 'conversions') }}
            group by from_unit, to_unit
        ),
        codes as (
            select source, site, list(distinct site_code order by site_code) as site_codes
            from ({{ codes_of_sources() }}) as coded
            group by source, site
        ),
        priced as (
            select
                money.from_unit, money.to_unit, codes.source, money.wave, money.factor,
                list(site_code order by site_code) filter (where money.factor is not null) as site_codes
            from {{ source('registry', 'money_factors') }} as money
            inner join codes on money.site = codes.site, unnest(codes.site_codes) as each_code (site_code)
            group by all
        ),
        money as (
            select
                from_unit, to_unit, source,
                coalesce(list({
                    'wave': wave, 'factor': {{ plain_decimal('factor') }}, 'site_codes': site_codes
                } order by wave, site_codes) filter (where factor is not null), []) as cases
            from priced
            group by all
        )
        select
            asked.indicator, asked.term, asked.item, asked.source, money.cases,
            case
                when declared.factor is not null then {{ plain_decimal('declared.factor') }}
                when money.source is null then '1'
            end as factor
        from asked
        left join declared on asked.unit = declared.from_unit and asked.wanted_unit = declared.to_unit
        left join money
            on asked.unit = money.from_unit and asked.wanted_unit = money.to_unit and asked.source = money.source
        where
            asked.wanted_unit is null
            or asked.unit = asked.wanted_unit
            or declared.factor is not null
            or money.source is not null
            or (asked.unit is null and asked.statistic <> 'amount')
        order by asked.indicator, asked.term, asked.item, asked.source
    {%- endset -%}
    {{ return(registry_rows(query)) }}
{%- endmacro %}

{#- The codes by which each source's records may name a site, as stg_site_codes reads them; a blank code means the
    source's only site. -#}
{% macro codes_of_sources() -%}
    select sources.source, codes.site_code, codes.site
    from {{ source('registry', 'sources') }} as sources
    cross join {{ source('registry', 'site_codes') }} as codes
    union all
    select source, '' as site_code, min(site) as site
    from {{ source('registry', 'source_sites') }}
    group by source
    having count(distinct site) = 1
{%- endmacro %}

{#- A term's worth in a root table as SQL: a number, a case over waves and sites, or none where nothing converts it. -#}
{% macro worth_of(factors, table, indicator, term, item) -%}
    {%- set found = (factors | selectattr('source', 'equalto', table.source)
        | selectattr('indicator', 'equalto', indicator.indicator) | selectattr('term', 'equalto', term)
        | selectattr('item', 'equalto', item) | list + [none])[0] -%}
    {%- if found is none -%}
        {{ return(none) }}
    {%- elif found.factor is not none -%}
        {{ return(found.factor) }}
    {%- elif not found.cases -%}
        {{ return(none) }}
    {%- else -%}
        {%- set worth -%}
            case
                {%- for case in found.cases %}
                when cells._sw_wave = {{ sql_text(case.wave) }} and cells._sw_site_code in ({{ sql_texts(case.site_codes) }})
                    then {{ case.factor }}
                {%- endfor %}
            end
        {%- endset -%}
        {{ return(worth) }}
    {%- endif -%}
{%- endmacro %}

{#- A number in the unit wanted. -#}
{% macro worth_times(number, worth) -%}
    {%- if worth == '1' -%}
        {{ number }}
    {%- elif worth is none -%}
        {{ times(number, 'cast(null as decimal(1, 0))') }}
    {%- else -%}
        {{ times(number, worth) }}
    {%- endif -%}
{%- endmacro %}

{#- Why there is no such number. -#}
{% macro worth_why(why, worth) -%}
    {%- if worth is none -%}
        coalesce({{ why }}, 'no_conversion')
    {%- elif worth.startswith('case') -%}
        coalesce({{ why }}, case when {{ worth }} is null then 'no_conversion' end)
    {%- else -%}
        {{ why }}
    {%- endif -%}
{%- endmacro %}
