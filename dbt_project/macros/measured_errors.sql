-- noqa: disable=LT02
{#- What the data show of a verdict that may often be wrong: whose verdict, when, and in words. That effects differ with
    the size of sites is no condition: no data of a programme tell it. -#}
{% macro error_conditions() -%}
    {%- set fewest = "if(estimator = 'network', 5, least(pilot_site_count, scaled_site_count))" %}
    {%- set apart = ' side: its error leaves out how effects differ between sites; read as of all such sites, ' %}
    {%- set selected = 'a pilot selected for its result, see the corrected verdict: ' %}
    {{ return({
        'one_site': ('verdict', fewest ~ ' = 1', 'one site on a' ~ apart),
        'two_sites': ('verdict', fewest ~ ' = 2', 'two sites on a' ~ apart),
        'three_or_four_sites': ('verdict', fewest ~ ' in (3, 4)', 'fewer than five sites on a side: '),
        'selected': ('verdict', "a.pilot_selection <> 'none'", selected),
        'selected_corrected': ('verdict_corrected', "selection_state = 'corrected'", 'the corrected verdict: '),
    }) }}
{%- endmacro %}

{#- What to fear of a verdict whose like was wrong more than 10 times in 100 in simulation, in words that name the rate;
    null if nothing. -#}
{% macro verdict_caution() -%}
    nullif(concat_ws(
        '; ', null
        {%- for told in measured_errors().rates if told.wrong_pct > 10 %}
            {%- set verdict, is_met, words = error_conditions()[told.condition] %},
            case
                when {{ is_met }} and {{ verdict }} like '{{ told.claim }}%'
                    then '{{ words }}{{ told.claim }} was wrong up to {{ told.wrong_pct | round | int }} times in 100 '
                    || 'in simulation'
            end
        {%- endfor %}
    ), '')
{%- endmacro %}

{#- How often verdicts were wrong under these conditions: the largest percent over such cells of the simulation study
    (docs/coverage.md), of all such sites where fewer than three stand for a side. Written by `make coverage`. -#}
{#- coverage: printed -#}
{% macro measured_errors() -%}
    {{ return({
        'seed': 7,
        'studied_on': '2026-11-24',
        'rates': [
            {'condition': 'three_or_four_sites', 'claim': 'held', 'wrong_pct': 1.42},
            {'condition': 'three_or_four_sites', 'claim': 'faded', 'wrong_pct': 3.33},
            {'condition': 'three_or_four_sites', 'claim': 'reversed', 'wrong_pct': 2.25},
            {'condition': 'two_sites', 'claim': 'held', 'wrong_pct': 13.0},
            {'condition': 'two_sites', 'claim': 'faded', 'wrong_pct': 14.75},
            {'condition': 'two_sites', 'claim': 'reversed', 'wrong_pct': 11.75},
            {'condition': 'one_site', 'claim': 'held', 'wrong_pct': 14.75},
            {'condition': 'one_site', 'claim': 'faded', 'wrong_pct': 13.06},
            {'condition': 'one_site', 'claim': 'reversed', 'wrong_pct': 11.75},
            {'condition': 'selected', 'claim': 'held', 'wrong_pct': 4.8},
            {'condition': 'selected', 'claim': 'faded', 'wrong_pct': 19.29},
            {'condition': 'selected', 'claim': 'reversed', 'wrong_pct': 1.32},
            {'condition': 'selected_corrected', 'claim': 'held', 'wrong_pct': 1.86},
            {'condition': 'selected_corrected', 'claim': 'faded', 'wrong_pct': 7.8},
            {'condition': 'selected_corrected', 'claim': 'reversed', 'wrong_pct': 1.32},
        ],
    }) }}
{%- endmacro %}
{#- coverage: end -#}
