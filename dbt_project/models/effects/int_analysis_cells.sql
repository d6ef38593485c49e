-- Every site under every question of an analysis: whether it is measured there, on what, at which stage and by which
-- design, and whether all waves of the analysis are closed at every site where they are expected.
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
)

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
order by q.analysis, q.wave, q.indicator, s.site
