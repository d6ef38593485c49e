-- noqa: disable=LT02
-- Everything about attrition as one row per number: rates by arm, the differential by two errors, selective attrition
-- and Lee's bounds. Shares are percent here; `events` and `of` are the counts that a share would give away.
with long as (
    select
        group_id,
        unnest([
            {%- for subject, name in {'everybody': 'overall', 'treatment': 'treatment', 'control': 'control'}.items() %}
                {%- set n = 'n' if name == 'overall' else 'n_' ~ name %}
                {%- set missing = 'missing' if name == 'overall' else 'missing_' ~ name %}
                {%- set dead = 'dead_treatment + dead_control' if name == 'overall' else 'dead_' ~ name %}
                {
                    'measure': 'attrition', 'subject': '{{ subject }}', 'estimator': 'count', 'unit': 'percent',
                    'value': 100 * attrition_{{ name }}, 'value_se': null::double, 'df': null::double,
                    'value_low': null::double, 'value_high': null::double, 'p_value': null::double,
                    'n': {{ n }}, 'events': {{ missing }}, 'band': null::varchar
                },
                {
                    'measure': 'died', 'subject': '{{ subject }}', 'estimator': 'count', 'unit': 'percent',
                    'value': 100 * ({{ dead }}) / nullif({{ n }}, 0), 'value_se': null, 'df': null,
                    'value_low': null, 'value_high': null, 'p_value': null,
                    'n': {{ n }}, 'events': {{ dead }}, 'band': null
                },
            {%- endfor %}
            {%- for estimator, df in {'unpooled': "'infinity'::double", 'cr2': 'df_cr2'}.items() %}
                {
                    'measure': 'differential_attrition', 'subject': 'treatment minus control',
                    'estimator': '{{ estimator }}', 'unit': 'percentage points', 'value': 100 * differential,
                    'value_se': 100 * nullif(se_{{ estimator }}, 0),
                    'df': case when se_{{ estimator }} > 0 then {{ df }} end,
                    'value_low': case when se_{{ estimator }} > 0 then 100 * low_{{ estimator }} end,
                    'value_high': case when se_{{ estimator }} > 0 then 100 * high_{{ estimator }} end,
                    'p_value': 2 * (1 - t_cdf(abs(differential) / nullif(se_{{ estimator }}, 0), {{ df }})),
                    'n': n, 'events': missing, 'band': band
                },
            {%- endfor %}
        ]) as told,
        missing_treatment,
        n_treatment,
        missing_control,
        n_control,
        is_clustered,
        state,
        reason
    from {{ ref('int_attrition') }}
)

select
    group_id,
    unnest(told), -- noqa: AL03
    missing_treatment as events_treatment,
    n_treatment,
    missing_control as events_control,
    n_control,
    state,
    reason
from long
where told['estimator'] <> 'cr2' or is_clustered
union all by name
select
    s.group_id,
    'selective_attrition' as measure,
    'arm and arm by baseline' as subject,
    case when s.is_clustered then 'cr2_htz' else 'ols_f' end as estimator,
    'F statistic' as unit,
    s.f_statistic as value,
    s.f_df_2 as df,
    s.p_value,
    s.n,
    a.missing_treatment as events_treatment,
    a.n_treatment,
    a.missing_control as events_control,
    a.n_control,
    s.state,
    s.reason
from {{ ref('int_selective_attrition') }} as s
inner join {{ ref('int_attrition_groups') }} as a on s.group_id = a.group_id
{%- for bound in ['low', 'high'] %}
union all by name
select
    l.group_id,
    'lee_bound_{{ bound }}' as measure,
    'trimmed: ' || l.trimmed_arm as subject,
    'lee_imbens_manski' as estimator,
    {{ effect_unit("'difference'", 'i.unit') }} as unit,
    l.effect_{{ bound }} as value,
    l.effect_{{ bound }}_se as value_se,
    case when l.interval_low is not null then 'infinity'::double end as df,
    l.interval_low as value_low,
    l.interval_high as value_high,
    l.n,
    a.missing_treatment as events_treatment,
    a.n_treatment,
    a.missing_control as events_control,
    a.n_control,
    l.state,
    l.reason
from {{ ref('int_lee_bounds') }} as l
inner join {{ ref('int_attrition_groups') }} as a on l.group_id = a.group_id
inner join {{ source('registry', 'indicators') }} as i on a.indicator = i.indicator
{%- endfor %}
