-- noqa: disable=LT02, LT07
-- Would withheld sites change the verdict: the same claims on other sides, for analyses of which a site is withheld.
-- Scenarios: shown (the sides as they are), restored (with what can be restored), and the four corners of what the
-- bounded sites could be, the pilot's at either end and the scaled ones' at either end. Holm runs within each.
with scenarios as (
    select
        unnest(['shown', 'restored', 'corner_1', 'corner_2', 'corner_3', 'corner_4']) as scenario,
        unnest([null, 0, -1, -1, 1, 1]) as pilot_end,
        unnest([null, 0, -1, 1, -1, 1]) as scaled_end
),

sides as (
    select
        c.* replace (
            {%- for side in ['pilot', 'scaled'] %}
                case
                    when {{ side }}.analysis is null or s.scenario = 'shown' then c.{{ side }}_estimate
                    when s.{{ side }}_end = 0 or {{ side }}.bounded_count = 0 then {{ side }}.estimate_if_restored
                    else (1 - {{ side }}.bounded_share) * {{ side }}.estimate_if_restored
                        + s.{{ side }}_end * {{ side }}.bounded_share * {{ side }}.span
                end as {{ side }}_estimate,
                case
                    when {{ side }}.analysis is null or s.scenario = 'shown' then c.{{ side }}_se
                    when s.{{ side }}_end = 0 or {{ side }}.bounded_count = 0 then {{ side }}.se_if_restored
                    else (1 - {{ side }}.bounded_share) * {{ side }}.se_if_restored
                end as {{ side }}_se,
                case
                    when {{ side }}.analysis is null or s.scenario = 'shown' then c.{{ side }}_df
                    else {{ side }}.df_if_restored
                end as {{ side }}_df{{ ',' if not loop.last }}
            {%- endfor %}
        ),
        s.scenario
    from {{ ref('int_retention_sides') }} as c
    cross join scenarios as s
    {%- for side in ['pilot', 'scaled'] %}
        left join {{ ref('int_withheld_pools') }} as {{ side }}
            on
                c.analysis = {{ side }}.analysis and c.indicator = {{ side }}.indicator and c.wave = {{ side }}.wave
                and c.design_group = {{ side }}.design_group and c.estimator = {{ side }}.estimator
                and c.measure = {{ side }}.measure and {{ side }}.stage = '{{ side }}'
    {%- endfor %}
    where c.analysis in (select w.analysis from {{ ref('int_withheld_pools') }} as w)
),

claims as ({{ retention_claims('sides') }}),

tested as (
    select
        c.*,
        b.barred,
        b.is_tested,
        {{ claim_family(within='analysis, is_tested, scenario') }}
    from claims as c
    inner join {{ ref('int_retention_bars') }} as b using (analysis, indicator, wave)
),

judged as (
    select
        *,
        case when is_tested then {{ holm('p_tested', 'family') }} end as p_holm,
        {{ verdict() }} as verdict
    from tested
)

select
    analysis,
    indicator,
    wave,
    any_value(verdict) filter (where scenario = 'shown') as verdict_shown,
    any_value(verdict) filter (where scenario = 'restored') as verdict_if_restored,
    count(distinct verdict) > 1 as could_change
from judged
group by analysis, indicator, wave
order by analysis, indicator, wave
