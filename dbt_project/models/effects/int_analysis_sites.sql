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
        when a.level = 'network' and (s.basis = 'estimates' or s.design_group <> 'randomised') then 'not_identified'
        when c.comparability_class = 'C' then 'not_comparable'
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
                    when s.design_group <> 'randomised'
                        then 'design ' || s.design || ': no part of one randomised trial over all sites'
                    else 'a published estimate is no part of one trial over all sites'
                end
        when 'interim' then 'a wave of the analysis is not closed at every site'
        when 'not_comparable' then 'not comparable: ' || c.comparability_reason
        when 'withheld' then coalesce(g.reason, 'no verdict of quality was given')
    end as reason
from spine as s
inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
left join limited on s.analysis = limited.analysis
left join looks on s.analysis = looks.analysis
left join {{ source('quality', 'admission') }} as g
    on s.site = g.site and s.wave = g.wave and s.indicator = g.indicator
left join {{ ref('int_comparability') }} as c
    on s.site = c.site and s.wave = c.wave and s.indicator = c.indicator
order by s.analysis, s.wave, s.indicator, s.site
