-- Which sites stand behind each registered analysis, at which stage, and if not, why not.
-- An analysis is interim as long as any of its waves is open at any site where it is expected: then nothing
-- is told apart by arm, but for the data up to a planned look whose date has passed. States are decided from the
-- registry and the gates only, never from outcomes.
with limited as (
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

asked_before as (
    select c.*
    from {{ ref('int_comparability') }} as c
    inner join {{ source('registry', 'waves') }} as w on c.wave = w.wave and w.is_baseline
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
    s.basis <> 'estimates' and (s.design = 'comparison' or coalesce(i.is_change, false)) as uses_baseline,
    case
        when s.is_expected
            then greatest(c.comparability_class, case when uses_baseline then p.comparability_class end)
    end as comparability_class,
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
        when s.design = 'comparison' and s.basis <> 'estimates' and (b.site is null or {{ is_quantile('i.statistic') }})
            then 'not_identified'
        when c.comparability_class = 'C' then 'not_comparable'
        -- a change is as comparable as the worse of its two waves
        when uses_baseline and p.comparability_class = 'C' then 'not_comparable'
        when s.design = 'comparison' and s.basis <> 'estimates' and is_admitted and not b.is_baseline_admitted
            then 'withheld'
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
                    when {{ is_quantile('i.statistic') }}
                        then 'design comparison: quantiles have no difference in differences'
                    else 'design comparison: no baseline wave to take the difference from'
                end
        when 'interim' then 'a wave of the analysis is not closed at every site'
        when 'not_comparable'
            then
                case
                    when c.comparability_class = 'C' then 'not comparable: ' || c.comparability_reason
                    else 'its baseline is not comparable: ' || p.comparability_reason
                end
        when 'withheld'
            then
                case
                    when is_admitted then 'its baseline: ' || coalesce(b.reason, 'no verdict of quality was given')
                    else coalesce(g.reason, 'no verdict of quality was given')
                end
    end as reason
from {{ ref('int_analysis_cells') }} as s
inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
left join limited on s.analysis = limited.analysis
left join looks on s.analysis = looks.analysis
left join baselines as b on s.site = b.site and s.indicator = b.indicator and s.wave <> b.wave
left join asked_before as p on s.site = p.site and s.indicator = p.indicator and s.wave <> p.wave
left join {{ source('quality', 'admission') }} as g
    on s.site = g.site and s.wave = g.wave and s.indicator = g.indicator
left join {{ ref('int_comparability') }} as c
    on s.site = c.site and s.wave = c.wave and s.indicator = c.indicator
order by s.analysis, s.wave, s.indicator, s.site
