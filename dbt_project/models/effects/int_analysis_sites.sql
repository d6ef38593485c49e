-- Which sites stand behind each registered analysis, at which stage, and if not, why not.
-- An analysis is interim as long as any of its waves is open at any site where it is expected: then nothing
-- is told apart by arm. States are decided from the registry and the gates only, never from outcomes.
with questions as (
    select
        w.analysis,
        w.wave,
        i.indicator
    from {{ source('registry', 'analysis_waves') }} as w
    inner join {{ source('registry', 'analysis_indicators') }} as i on w.analysis = i.analysis
),

expected as (
    select
        q.analysis,
        q.wave,
        q.indicator,
        e.site,
        coalesce(s.state, 'planned') in ('closed', 'frozen') as is_closed
    from questions as q
    inner join {{ source('registry', 'expected_cells') }} as e on q.wave = e.wave and q.indicator = e.indicator
    left join {{ source('registry', 'site_waves') }} as s on e.site = s.site and e.wave = s.wave
),

analysis_states as (
    select
        analysis,
        bool_and(is_closed) as is_closed
    from expected
    group by analysis
),

site_starts as (
    select
        site,
        min(from_date) as started_on
    from {{ source('registry', 'site_waves') }}
    group by site
),

-- The stage when treatment started; a site that took up its first stage after its first wave has that one.
stages as (
    select
        t.site,
        coalesce(
            arg_max(t.stage, t.from_date) filter (where t.from_date <= s.started_on),
            arg_min(t.stage, t.from_date)
        ) as stage
    from {{ source('registry', 'site_stages') }} as t
    left join site_starts as s on t.site = s.site
    group by t.site
),

states as (
    select
        q.analysis,
        q.wave,
        q.indicator,
        s.site,
        coalesce(t.stage, 'unstaged') as stage,
        coalesce(g.is_admitted, false) as is_admitted,
        case
            when e.site is null then 'no_data'
            when s.design not in ('rct', 'cluster_rct') then 'not_identified'
            when not a.is_closed then 'interim'
            when coalesce(g.is_admitted, false) then 'included'
            else 'withheld'
        end as state,
        case
            when e.site is null then 'no source delivers this indicator here in this wave'
            when s.design not in ('rct', 'cluster_rct') then 'design ' || s.design || ': no randomised comparison'
            when not a.is_closed then 'a wave of the analysis is not closed at every site'
            when not coalesce(g.is_admitted, false) then coalesce(g.reason, 'no verdict of quality was given')
        end as reason
    from questions as q
    cross join {{ source('registry', 'sites') }} as s
    left join analysis_states as a on q.analysis = a.analysis
    left join stages as t on s.site = t.site
    left join expected as e
        on q.analysis = e.analysis and q.wave = e.wave and q.indicator = e.indicator and s.site = e.site
    left join {{ source('quality', 'admission') }} as g
        on s.site = g.site and q.wave = g.wave and q.indicator = g.indicator
)

select
    *,
    case when bool_or(stage = 'pilot') over (partition by analysis) then stage else 'all' end as pool
from states
order by analysis, wave, indicator, site
