-- noqa: disable=LT02
{#- One measure of costs as a struct, so that a row holds all of them and is laid out once. `power`: the power of the
    number of participants that the value goes with. -#}
{% macro cost_measure(measure, unit, value, low='null', high='null', set='null', df='null', power=0) -%}
            {
                'measure': '{{ measure }}',
                'unit': {{ unit }},
                'value': ({{ value }})::double,
                'low': ({{ low }})::double,
                'high': ({{ high }})::double,
                'value_set': ({{ set }})::varchar,
                'df': ({{ df }})::double,
                'people_power': {{ power }}
            }
{%- endmacro %}

{#- Every measure, from the row b of costs, people and effect with its Fieller set, and the row r of its retention. -#}
{% macro cost_measures() -%}
        {{ cost_measure('total_cost', 'b.money', 'b.total_cost') }},
        {{ cost_measure(
            'evaluation_cost', 'b.money', 'coalesce(b.evaluation_cost, if(b.total_cost is null, null, 0))'
        ) }},
        {%- for share in ['fixed', 'variable', 'donated'] %}
            {{ cost_measure(
                share ~ '_share', "'percent'",
                '100 * coalesce(b.' ~ share ~ '_cost, 0) / nullif(b.total_cost, 0)'
            ) }},
        {%- endfor %}
        {{ cost_measure(
            'cost_per_participant', "b.money || ' per participant'", 'b.cost_per_participant', power=-1
        ) }},
        {{ cost_measure(
            'cost_per_unit', "b.money || ' per additional ' || b.outcome",
            "case when b.unit_cost_set = 'bounded' and b.effect > 0 and not b.is_ratio then
                b.per_unit * b.cost_per_participant / b.effect end",
            'b.per_unit * b.unit_cost_low', 'b.per_unit * b.unit_cost_high', 'b.unit_cost_set', 'b.df', -1
        ) }},
        {{ cost_measure(
            'effect_per_100', "b.effect_unit || ' per 100 ' || b.money",
            'case when not b.is_ratio then 100 * b.effect / nullif(b.cost_per_participant, 0) end',
            '100 * (b.effect - b.q * b.effect_se) / nullif(b.cost_per_participant, 0)',
            '100 * (b.effect + b.q * b.effect_se) / nullif(b.cost_per_participant, 0)', 'null', 'b.df', 1
        ) }},
        {{ cost_measure(
            'cost_effectiveness_retention', "'ratio'",
            'case when not b.is_ratio then r.retention * r.cost_ratio end', 'r.retention_low * r.cost_ratio',
            'r.retention_high * r.cost_ratio', 'r.retention_set', 'r.retention_df', 1
        ) }}
{%- endmacro %}

{#- What became of a measure. In: the columns of int_cost_effectiveness' last step, with the struct m. -#}
{% macro cost_state() -%}
case
        when total_cost is null then 'no_costs'
        when m.value is not null and (rows_set_aside > 0 or served_count < site_count and m.people_power <> 0
            or costed_count < site_count) then 'incomplete'
        when m.value is not null and m.people_power <> 0 and m.measure <> 'cost_per_participant' and m.low is null
            then 'no_standard_error'
        when m.value is not null then 'estimated'
        when m.people_power = 0 then 'not_applicable'
        when cost_per_participant is null then 'no_participants'
        when is_ratio then 'not_applicable'
        when m.measure <> 'cost_effectiveness_retention' and effect is null then effect_state
        when cost_per_participant = 0 then 'not_applicable'
        when m.measure = 'cost_effectiveness_retention' and m.value_set is null then 'not_applicable'
        when m.measure = 'cost_per_unit' and effect_se is null then 'no_standard_error'
        when m.value_set = 'bounded' then 'no_benefit'
        else 'not_estimable'
    end
{%- endmacro %}

{#- Why a measure is missing, in words; null where it is not. -#}
{% macro cost_reason() -%}
case
        when m.value is not null then null
        when total_cost is null and rows_set_aside > 0 then 'no cost can be counted: ' || problem
        when total_cost is null then 'the register tells of no cost here by this wave'
        when m.people_power = 0 then 'nothing was spent'
        when cost_per_participant is null
            then 'nobody tells how many took part: neither a frame nor a column participants of the register'
        when is_ratio then 'an effect on the scale of a ratio adds no units of outcome'
        when m.measure <> 'cost_effectiveness_retention' and effect is null then why_no_effect
        when cost_per_participant = 0 then 'nothing was spent'
        when m.measure = 'cost_effectiveness_retention' and m.value_set is null
            then 'the effect at one of the two stages is missing, or has no standard error'
        when m.measure = 'cost_per_unit' and effect_se is null then 'the effect has no standard error'
        when m.value_set = 'bounded' then 'the effect runs the wrong way: nothing is bought'
        else 'the 95% set is not bounded: the effect cannot be told from none'
    end
{%- endmacro %}

{#- What a number of costs leaves out, in words; null where it leaves out nothing. -#}
{% macro cost_note() -%}
nullif(concat_ws(
        '; ',
        case when rows_set_aside > 0 then rows_set_aside::varchar || ' rows of the register set aside: ' || problem end,
        case
            when total_cost is not null and costed_count < site_count
                then 'costs of ' || costed_count::varchar || ' of ' || site_count::varchar || ' sites'
        end,
        case
            when m.people_power <> 0 and total_cost is not null and served_count < costed_count
                then 'participants of ' || served_count::varchar || ' of ' || costed_count::varchar || ' sites with costs'
        end
    ), '')
{%- endmacro %}
