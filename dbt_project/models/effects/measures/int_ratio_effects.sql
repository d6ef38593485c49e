-- Ratios of the two arms on the log scale, one row per comparison and measure, with the reason where there is none; for
-- people who stand alone also what their two by two table says of the risk difference and the arcsine.
-- One table: its formulas; blocks: Mantel-Haenszel; clusters, weights and exposures: the delta method with CR2 or
-- HC2. A ratio after treatment is none of a difference in differences.
{%- set scales = {
    'rr': 'log_risk_ratio', 'or': 'log_odds_ratio', 'rd': 'risk_difference', 'as': 'arcsine_difference'
} %}
with fits as (
    select
        f.*,
        i.statistic = 'share' as is_share
    from {{ ref('int_fits') }} as f
    inner join {{ source('registry', 'indicators') }} as i on f.indicator = i.indicator
    where
        (i.statistic = 'share' or {{ is_quotient('i.statistic') }})
        and least(f.n_treatment, f.n_control) > 0
        and f.adjustment in ('none', 'ancova')
),

tables as (
    {%- for name, measure in scales.items() %}
        select
            t.fit_id,
            '{{ measure }}' as measure,
            'two_by_two' || case when t.added > 0 and '{{ name }}' <> 'as' then '_half_added' else '' end as estimator,
            t.{{ name }}_yi as estimate,
            t.{{ name }}_vi as variance,
            least(t.a + t.c, t.b + t.d) = 0 and '{{ name }}' in ('rr', 'or') as is_empty
        from {{ ref('int_two_by_two') }} as t
        inner join fits as f on t.fit_id = f.fit_id
        where t.table_count = 1 and least(t.a + t.b, t.c + t.d) > 0
        union all
    {%- endfor %}
    {%- for name in ['rr', 'or', 'rd'] %}
        select
            t.fit_id,
            '{{ scales[name] }}' as measure,
            'mantel_haenszel' as estimator,
            t.{{ name }}_yi as estimate,
            t.{{ name }}_vi as variance,
            t.{{ name }}_yi is null as is_empty
        from {{ ref('int_mantel_haenszel') }} as t
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

robust as (
    select
        f.fit_id,
        case when not f.is_share then 'log_rate_ratio' when m.is_odds then 'log_odds_ratio' else 'log_risk_ratio' end
            as measure,
        case when f.block_count > 1 then 'mantel_haenszel_' else 'linearised_' end
        || case when f.is_clustered then 'cr2' else 'hc2' end as estimator,
        r.beta as estimate,
        case when r.is_nested and least(r.clusters_1, r.clusters_0) >= 2 and r.beta_se > 0 then r.beta_se end
            as estimate_se,
        r.df,
        r.clusters_1,
        r.clusters_0
    from fits as f
    cross join (values (false), (true)) as m (is_odds)
    left join {{ ref('int_ratio_fits') }} as r on f.fit_id = r.fit_id and m.is_odds = r.is_odds
    where (f.is_share or not m.is_odds) and f.fit_id not in (select t.fit_id from {{ ref('int_two_by_two') }} as t)
)

select
    t.fit_id,
    t.measure,
    t.estimator,
    t.measure <> 'risk_difference' as is_own,
    case when not t.is_empty then t.estimate * t.unit end as estimate,
    case when not t.is_empty and t.variance > 0 then sqrt(t.variance) * t.unit end as estimate_se,
    'infinity'::double as df,
    f.n_treatment as clusters_1,
    f.n_control as clusters_0,
    case when t.is_empty then 'no arm tells events from others: no ratio' end as why_no_error
from (
    select
        *,
        case measure when 'risk_difference' then 100 else 1 end as unit
    from tables
) as t
inner join fits as f on t.fit_id = f.fit_id
union all
select
    fit_id,
    measure,
    estimator,
    true as is_own,
    estimate,
    estimate_se,
    df,
    clusters_1,
    clusters_0,
    case when estimate is null then 'an arm has no events, or nothing else: no ratio' end as why_no_error
from robust
order by fit_id, measure, estimator
