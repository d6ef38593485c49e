-- What each site, each stage and all of them cost by a wave, whom that served, and the headline effect beside it. Cost
-- per participant rests on the members that tell both. A higher effect is the better one: where a lower value is
-- better, signs are turned. Sums of doubles run in the order of sites.
{%- set key = 'analysis, indicator, wave' %}
{%- set numbers = ['estimate', 'estimate_se', 'df', 'n_treatment', 'n_control'] %}
with totals as (
    select
        {{ key }},
        site,
        stage,
        {%- for cost in ['total_cost', 'evaluation_cost', 'fixed_cost', 'variable_cost', 'donated_cost'] %}
            sum({{ cost }} order by member) as {{ cost }},
        {%- endfor %}
        sum(total_cost order by member) filter (where participants > 0) as serving_cost,
        sum(participants) filter (where total_cost is not null)::bigint as n,
        string_agg(distinct participants_basis, ' and ' order by participants_basis) as participants_basis,
        count(*) as site_count,
        count(total_cost) as costed_count,
        count(*) filter (where total_cost is not null and participants > 0) as served_count,
        sum(rows_set_aside)::bigint as rows_set_aside,
        min(problem) as problem,
        max(comparability_class) as comparability_class,
        {{ worst_verdict('quality_verdict') }} as quality_verdict
    from {{ ref('int_cost_members') }}
    group by {{ key }}, site, stage
),

headlines as (
    select {{ key }}, site, stage, {{ numbers | join(', ') }}, state as effect_state, why_missing
    from {{ ref('int_site_effects') }}
    where is_headline and dimension = 'all' and measure <> 'quantile_difference'
    union all by name
    select
        {{ key }},
        'network' as site,
        p.stage,
        {%- for number in numbers %}
            p.{{ number }},
        {%- endfor %}
        case
            when p.estimate is null then 'not_estimable'
            when p.estimate_se is null then 'no_standard_error'
            else 'estimated'
        end as effect_state,
        p.why_missing
    from {{ ref('int_pooled_effects') }} as p
    inner join {{ source('registry', 'analyses') }} as a using (analysis)
    where p.is_headline and p.dimension = 'all' and a.level = 'site' and p.measure <> 'quantile_difference'
)

select
    t.*,
    i.effect_scale as measure,
    i.unit,
    case when i.direction = 'lower_is_better' then -h.estimate else h.estimate end as effect,
    h.estimate_se as effect_se,
    h.df,
    h.n_treatment,
    h.n_control,
    coalesce(h.effect_state, 'no_data') as effect_state,
    coalesce(h.why_missing, 'it has no effect here') as why_no_effect,
    t.serving_cost / t.n as cost_per_participant
from totals as t
inner join {{ source('registry', 'indicators') }} as i using (indicator)
left join headlines as h using ({{ key }}, site, stage)
order by t.analysis, t.indicator, t.wave, t.site, t.stage
