-- Every number about validity in one shape: which analysis, indicator, wave and site, what of, by which estimator.
-- Where nothing can be said of a site, one row says why.
with told as (
    select
        g.analysis,
        g.indicator,
        g.wave,
        g.site,
        g.stage,
        r.* exclude (group_id)
    from {{ ref('int_attrition_rows') }} as r
    inner join {{ ref('int_attrition_groups') }} as g on r.group_id = g.group_id
    union all by name
    select
        g.analysis,
        g.indicator,
        g.wave,
        g.site,
        g.stage,
        'spillover' as measure,
        'controls beside treated people' as subject,
        'cr2' as estimator,
        {{ effect_unit("'difference'", 'i.unit') }} as unit,
        s.estimate as value,
        s.estimate_se as value_se,
        s.df,
        s.estimate - t_quantile(0.975, s.df) * s.estimate_se as value_low,
        s.estimate + t_quantile(0.975, s.df) * s.estimate_se as value_high,
        2 * (1 - t_cdf(abs(s.estimate) / s.estimate_se, s.df)) as p_value,
        s.n_beside + s.n_pure as n,
        s.n_beside as n_treatment,
        s.n_pure as n_control,
        s.state,
        s.reason
    from {{ ref('int_spillover') }} as s
    inner join {{ ref('int_attrition_groups') }} as g on s.group_id = g.group_id
    inner join {{ source('registry', 'indicators') }} as i on g.indicator = i.indicator
    union all by name
    select
        analysis,
        indicator,
        wave,
        site,
        stage,
        'take_up' as measure,
        arm as subject,
        'count' as estimator,
        'percent' as unit,
        100 * take_up_share as value,
        n,
        taken as events_treatment,
        n as n_treatment,
        'measured' as state
    from {{ ref('int_take_up') }}
    union all by name
    select
        d.analysis,
        d.indicator,
        d.wave,
        d.site,
        d.stage,
        'minimum_detectable_effect' as measure,
        d.measure as subject,
        d.estimator,
        {{ effect_unit('d.measure', 'i.unit') }} as unit,
        d.detectable as value,
        d.df,
        d.band,
        d.state,
        d.reason
    from {{ ref('int_detectable_effects') }} as d
    inner join {{ source('registry', 'indicators') }} as i on d.indicator = i.indicator
    union all by name
    select * from {{ ref('int_balance_rows') }}
),

-- Sites that attrition says nothing of, and the network where it says nothing of any.
silent as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        case when a.level = 'network' then 'network' else s.site end as site,
        case when a.level = 'network' then s.pool else s.stage end as stage,
        case
            when s.state <> 'included' then s.state
            when s.basis <> 'rows' then 'needs_rows'
            else 'not_applicable'
        end as silence,
        case silence
            when 'needs_rows' then 'sent as ' || s.basis || ', which do not tell who was lost'
            when 'not_applicable'
                then
                    case
                        when a.is_randomised and r.design in ('rct', 'cluster_rct')
                            then 'the frame assigns nobody here to one of the arms'
                        else 'the arms were not drawn by lot'
                    end
            else s.reason
        end as reason
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on s.site = r.site
)

select t.* replace (coalesce(t.state, 'measured') as state)
from told as t
union all by name
select
    s.analysis,
    s.indicator,
    s.wave,
    s.site,
    s.stage,
    'attrition' as measure,
    'everybody' as subject,
    'count' as estimator,
    'percent' as unit,
    min_by(s.silence, s.reason) as state,
    min(s.reason) as reason
from silent as s
left join {{ ref('int_attrition_groups') }} as g
    on s.analysis = g.analysis and s.indicator = g.indicator and s.wave = g.wave and s.site = g.site
where g.group_id is null
group by s.analysis, s.indicator, s.wave, s.site, s.stage
