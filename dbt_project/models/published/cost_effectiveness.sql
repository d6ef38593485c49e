-- Where counts are protected, numbers that go with the number of participants are reckoned with the count as published,
-- so that no exact count can be had from a cost and a cost per participant.
with hidden as (
    select
        cells.analysis,
        cells.indicator,
        cells.wave,
        cells.site,
        sites.stage,
        bool_or(cells.is_effect_hidden) as is_effect_hidden
    from {{ ref('int_hidden_cells') }} as cells
    inner join {{ ref('int_analysis_sites') }} as sites using (analysis, indicator, wave, site)
    where cells.dimension = 'all'
    group by all
    union all
    select
        analysis,
        indicator,
        wave,
        'network' as site,
        stage,
        bool_or(is_hidden) as is_effect_hidden
    from {{ ref('int_hidden_pools') }}
    where dimension = 'all'
    group by all
),

judged as (
    select
        numbers.*,
        {{ suppress_count('numbers.n') }} as published_n,
        {{ suppress_count('numbers.pilot_n') }} as published_pilot_n,
        numbers.site = 'network' as is_network,
        (
            {%- for people in ['n', 'n_treatment', 'n_control', 'pilot_n', 'pilot_n_treatment', 'pilot_n_control'] %}
                {{ 'or ' if not loop.first }}{{ is_small('numbers.' ~ people) }}
            {%- endfor %}
        ) as is_few,
        numbers.people_power <> 0 and (
            is_few or coalesce(hidden.is_effect_hidden, false)
        ) as is_hidden,
        {{ suppressed_words('people in an arm') }} as suppressed_words,
        {{ plain_reason('numbers.why_missing') }} as plain_reason
    from {{ ref('int_cost_effectiveness') }} as numbers
    cross join {{ source('registry', 'programme') }} as programme
    left join hidden using (analysis, indicator, wave, site, stage)
),

counted as (
    select
        *,
        count_if(is_few and not is_network) over (partition by analysis, indicator, wave, measure) as few_sites,
        count_if(is_few and not is_network) over (partition by analysis, indicator, wave, measure, stage)
            as few_in_stage
    from judged
),

-- What one site hides could be had from its stage's total: where a site alone is hidden, so are the totals.
protected as (
    select
        *,
        is_network and if(stage = 'all', few_sites, few_in_stage) = 1 as is_telling,
        is_hidden or (is_telling and people_power <> 0) as is_suppressed,
        case
            when people_power = 0 then 1
            else (published_n / n / coalesce(published_pilot_n / pilot_n, 1)) ** people_power
        end as rounding
    from counted
)

select
    analysis,
    indicator,
    wave,
    site,
    stage,
    measure,
    unit,
    {{ unless_suppressed('value * rounding') }} as value,
    {{ unless_suppressed('value_low * rounding') }} as value_low,
    {{ unless_suppressed('value_high * rounding') }} as value_high,
    case when is_suppressed then 'not_applicable' else value_set end as value_set,
    {{ unless_suppressed('df') }} as df,
    case when not is_telling then published_n end as n,
    participants_basis,
    site_count::integer as site_count,
    rows_set_aside::integer as rows_set_aside_count,
    comparability_class,
    quality_verdict,
    case when is_suppressed then 'suppressed' else state end as state,
    note,
    coalesce(is_suppressed, false) as is_suppressed,
    case when is_suppressed then suppressed_words else plain_reason end as why_missing
from protected
order by analysis, indicator, wave, site, stage, measure
