-- Which sites stand behind each registered analysis, at which stage, and if not, why not.
-- An analysis is interim as long as any of its waves is open at any site where it is expected: then nothing
-- is told apart by arm, but for the data up to a planned look whose date has passed. States are decided from the registry and the gates only, never from outcomes.
with questions as (
    select
        w.analysis,
        w.wave,
        i.indicator,
        e.site,
        coalesce(e.basis, 'rows') as basis,
        coalesce(s.state, 'planned') in ('closed', 'frozen') as is_closed
    from {{ source('registry', 'analysis_waves') }} as w
    inner join {{ source('registry', 'analysis_indicators') }} as i on w.analysis = i.analysis
    left join {{ source('registry', 'expected_cells') }} as e on w.wave = e.wave and i.indicator = e.indicator
    left join {{ source('registry', 'site_waves') }} as s on e.site = s.site and e.wave = s.wave
),

limited as (
    select distinct analysis
    from {{ source('registry', 'analysis_cohorts') }}
),

looks as (
    select
        analysis,
        max(look) filter (where is_due) as look,
        max(planned_date) filter (where is_due) as look_date
    from {{ ref('int_looks') }}
    group by analysis
),

-- Differences in differences rest on the baseline wave too.
baselines as (
    select
        e.site,
        e.indicator,
        e.wave,
        coalesce(g.is_admitted, false) as is_baseline_admitted,
        g.reason
    from {{ source('registry', 'expected_cells') }} as e
    inner join {{ source('registry', 'waves') }} as w on e.wave = w.wave and w.is_baseline
    left join {{ source('quality', 'admission') }} as g
        on e.site = g.site and e.wave = g.wave and e.indicator = g.indicator
),

spine as (
    select
        q.analysis,
        q.wave,
        q.indicator,
        s.site,
        s.design,
        case
            when s.design in ('rct', 'cluster_rct') then 'randomised'
            when s.design in ('comparison', 'matched_comparison') then 'non_randomised'
        end as design_group,
        coalesce(t.stage, 'unstaged') as stage,
        coalesce(bool_or(q.site = s.site), false) as is_expected,
        coalesce(max(q.basis) filter (where q.site = s.site), 'rows') as basis,
        bool_and(bool_and(q.is_closed or q.site is null)) over (partition by q.analysis) as is_closed,
        -- without randomisation, sites make one comparison over all only where they are all of one design
        min(case when bool_or(q.site = s.site) then s.design end) over (partition by q.analysis)
        <> max(case when bool_or(q.site = s.site) then s.design end) over (partition by q.analysis) as is_mixed,
        -- what is sent without people tells no days: then nothing is looked at before the waves close
        bool_and(bool_and(q.basis = 'rows' or q.site is null)) over (partition by q.analysis) as is_dated
    from questions as q
    cross join {{ source('registry', 'sites') }} as s
    left join {{ ref('int_site_stages') }} as t on s.site = t.site
    group by q.analysis, q.wave, q.indicator, s.site, s.design, t.stage
)

select
    s.analysis,
    s.wave,
    s.indicator,
    s.site,
    s.stage,
    s.basis,
    s.design_group,
    case when bool_or(s.stage = 'pilot') over (partition by s.analysis) then s.stage else 'all' end as pool,
    s.is_expected and coalesce(g.is_admitted, false) as is_admitted,
    case when s.is_expected then c.comparability_class end as comparability_class,
    case when s.is_expected then c.comparability_reason end as comparability_reason,
    case when s.is_dated and not s.is_closed then looks.look end as look,
    case when s.is_dated and not s.is_closed then looks.look_date end as look_date,
    case
        when not s.is_expected then 'no_data'
        when s.basis <> 'rows' and (a.round <> 'randomised' or limited.analysis is not null) then 'no_data'
        -- before anything of the comparison: while a wave is open no arm is told apart, whatever the design
        when not s.is_closed and (looks.look is null or not s.is_dated) then 'interim'
        when s.design_group is null then 'not_identified'
        when a.level = 'network' and s.basis = 'estimates' then 'not_identified'
        when a.level = 'network' and s.design_group <> 'randomised' and s.is_mixed then 'not_identified'
        when s.design = 'comparison' and s.basis <> 'estimates' and b.site is null then 'not_identified'
        when c.comparability_class = 'C' then 'not_comparable'
        when s.design = 'comparison' and s.basis <> 'estimates' and is_admitted and not b.is_baseline_admitted then 'withheld'
        when is_admitted then 'included'
        else 'withheld'
    end as state,
    case state
        when 'no_data'
            then
                case
                    when s.is_expected then 'sent as ' || s.basis || ', which tell neither cohorts nor other rounds'
                    else 'no source delivers this indicator here in this wave'
                end
        when 'not_identified'
            then
                case
                    when s.design_group is null then 'design ' || s.design || ': no group to compare with'
                    when a.level = 'network' and s.basis = 'estimates'
                        then 'a published estimate is no part of one trial over all sites'
                    when a.level = 'network' and s.is_mixed
                        then 'design ' || s.design || ': no part of one trial with sites of other designs'
                    else 'design comparison: no baseline wave to take the difference from'
                end
        when 'interim' then 'a wave of the analysis is not closed at every site'
        when 'not_comparable' then 'not comparable: ' || c.comparability_reason
        when 'withheld'
            then
                case
                    when is_admitted then 'its baseline: ' || coalesce(b.reason, 'no verdict of quality was given')
                    else coalesce(g.reason, 'no verdict of quality was given')
                end
    end as reason
from spine as s
inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
left join limited on s.analysis = limited.analysis
left join looks on s.analysis = looks.analysis
left join baselines as b on s.site = b.site and s.indicator = b.indicator and s.wave <> b.wave
left join {{ source('quality', 'admission') }} as g
    on s.site = g.site and s.wave = g.wave and s.indicator = g.indicator
left join {{ ref('int_comparability') }} as c
    on s.site = c.site and s.wave = c.wave and s.indicator = c.indicator
order by s.analysis, s.wave, s.indicator, s.site
