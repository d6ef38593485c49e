-- noqa: disable=LT02
-- Balance at baseline, and the arms' sizes against the design, as one row per number. These are no answers of one
-- indicator or wave: `indicator` and `wave` are '*', the covariate is the subject.
with groups as (
    select distinct
        group_id,
        analysis,
        site,
        stage,
        is_randomised
    from {{ ref('int_baseline_groups') }}
)
{%- for measure, unit in {'smd': 'standard deviations', 'variance_ratio': 'ratio'}.items() %}
{{ 'union all by name' if not loop.first }}
select
    analysis,
    '*' as indicator,
    '*' as wave,
    site,
    stage,
    'baseline_{{ measure }}' as measure,
    covariate as subject,
    'count' as estimator,
    '{{ unit }}' as unit,
    {{ measure }} as value,
    n_treatment + n_control as n,
    n_treatment,
    n_control,
    {{ 'band' if measure == 'smd' else 'null::varchar' }} as band,
    case when {{ measure }} is null and state = 'measured' then 'constant' else state end as state,
    case when {{ measure }} is null and state = 'measured' then 'alike for everybody in one of the arms' else reason end
        as reason
from {{ ref('int_baseline_balance') }}
where {{ 'not is_binary' if measure == 'variance_ratio' else 'true' }}
{%- endfor %}
union all by name
select
    g.analysis,
    '*' as indicator,
    '*' as wave,
    g.site,
    g.stage,
    'baseline_joint_test' as measure,
    'all covariates' as subject,
    'hansen_bowers_chi2' as estimator,
    'chi squared' as unit,
    t.statistic as value,
    t.df,
    t.p_value,
    case when not g.is_randomised then 'not_applicable' else coalesce(t.state, 'no_data') end as state,
    case
        when not g.is_randomised then 'the arms were not drawn by lot'
        when t.group_id is null then 'nothing is known of its people before treatment, or one arm has nobody'
        else t.reason
    end as reason
from groups as g
left join {{ ref('int_baseline_tests') }} as t on g.group_id = t.group_id
union all by name
select distinct
    s.analysis,
    '*' as indicator,
    '*' as wave,
    s.site,
    s.stage,
    'arm_sizes' as measure,
    coalesce('share treated, by design ' || round(100 * c.designed_share, 1) || '%', 'share treated') as subject,
    'exact_binomial' as estimator,
    'percent' as unit,
    100 * c.treated_count / nullif(c.denominator, 0) as value,
    case when c.why_not_applicable is null then c.p_value end as p_value,
    -- clusters are no people: their number gives nobody away
    case when r.design <> 'cluster_rct' then c.denominator end as n,
    case when r.design <> 'cluster_rct' then c.treated_count end as events_treatment,
    case when r.design <> 'cluster_rct' then c.denominator end as n_treatment,
    case
        when c.why_not_applicable is not null then 'not_applicable'
        when c.denominator = 0 then 'no_data'
        else 'measured'
    end as state,
    case when c.denominator = 0 then 'the frame assigns nobody here' else c.why_not_applicable end as reason
from {{ ref('int_analysis_sites') }} as s
inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
inner join {{ source('registry', 'sites') }} as r on s.site = r.site
inner join {{ ref('int_primary_rounds') }} as p on s.site = p.site and a.round = p.round
inner join {{ ref('int_fact_arm_shares') }} as c on s.site = c.site
