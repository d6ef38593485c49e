{#- A verdict as a reader says it, always beside the change. "Held" is printed with the margin it was tested at, and
    with what the prediction interval of the next site says of it. -#}
{% macro verdict_words(verdict, margin, change_verdict, portability='null') -%}
    case {{ verdict }}
        when 'held' then 'kept at least ' || {{ margin_words(margin) }}
        when 'faded_partial' then 'kept some effect, but less than ' || {{ margin_words(margin) }}
        when 'faded_negligible' then 'faded to a negligible effect'
        when 'faded' then 'kept less than ' || {{ margin_words(margin) }}
        when 'reversed' then 'reversed: at scale the effect runs the wrong way'
        when 'not_established' then 'the pilot''s own effect is not established'
        when 'inconclusive' then 'not enough evidence'
        when 'not_comparable' then 'pilot and scale cannot be compared'
        when 'not_identified' then 'no effect is identified'
        when 'not_applicable' then 'no retention to speak of'
        when 'interim' then 'interim: no effects before the waves close'
    end
    || case
        when {{ verdict }} = 'held' and {{ portability }} = 'not_everywhere' then ': held on average, not everywhere'
        else ''
    end
    || case
        when {{ verdict }} not in (
            'held', 'faded_partial', 'faded_negligible', 'faded', 'reversed', 'not_established', 'inconclusive'
        ) then ''
        when {{ change_verdict }} = 'no_detectable_change' then '; change: none detectable'
        else coalesce('; change: ' || {{ change_verdict }}, '')
    end
{%- endmacro %}

{% macro margin_words(margin) -%}
    case when {{ margin }} = 0.5 then 'half' else round({{ margin }} * 100)::int || '%' end
{%- endmacro %}

{#- Where the effect at the next site lies, by the 95% prediction interval of a population of ten sites or more against
    the smallest effect that matters: everywhere (all of it beyond), not_everywhere (it crosses), nowhere, or not_told. -#}
{% macro portability() -%}
    {%- set bounds = 'sign * scaled_pi_hts_low, sign * scaled_pi_hts_high' %}
    case
        when
            barred is not null or estimator not like 'reml%' or scaled_site_count < 10
            or scaled_pi_hts_low is null or smallest_effect is null
            then 'not_told'
        when least({{ bounds }}) > smallest_effect then 'everywhere'
        when greatest({{ bounds }}) < smallest_effect then 'nowhere'
        else 'not_everywhere'
    end
{%- endmacro %}
