-- The sites whose effects are pooled together: one row per question, stage, design group, subgroup and measure. Stage
-- 'all' is over every stage. Effects are lists in order of precision (smallest variance first, then site). A pool whose
-- sites all fell away keeps its row, so that it can say why it is empty.
{%- set key = 'analysis, indicator, wave, stage, design_group' %}
with placed as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.site,
        s.state,
        s.reason,
        s.stage as own_stage,
        unnest(list_distinct([s.pool, 'all'])) as stage,
        case
            when a.pool_designs = 'together' and s.design_group is not null then 'randomised and non-randomised'
            else s.design_group
        end as design_group
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    where a.level = 'site'
),

questions as (
    select distinct
        {{ key }},
        -- the randomised pool stands for the analysis wherever there is one
        design_group <> 'non_randomised'
        or not bool_or(design_group = 'randomised') over (partition by analysis, indicator, wave) as is_headline_group
    from placed
    where design_group is not null and state in ('included', 'withheld', 'interim', 'not_comparable')
),

stages as (
    select
        q.*,
        string_agg(p.site || ': ' || p.reason, '; ' order by p.site) filter (where p.state = 'withheld')
            as withheld_sites,
        string_agg(p.site || ': ' || p.reason, '; ' order by p.site)
        filter (where p.state in ('not_comparable', 'not_identified')) as excluded_sites,
        bool_or(p.state = 'interim') as is_interim
    from questions as q
    inner join placed as p
        on
            q.analysis = p.analysis and q.indicator = p.indicator and q.wave = p.wave and q.stage = p.stage
            and (q.design_group = p.design_group or p.state = 'not_identified')
    group by all
),

members as (
    select
        p.* exclude (site, state, reason, own_stage),
        e.dimension,
        e.level,
        e.measure,
        {%- for name, value in {
            'sites': 'e.site', 'y': 'e.estimate', 'v': 'e.estimate_se ** 2', 'df': 'e.df',
            'eligible': 'r.eligible_count::double', 'started': 't.from_date'
        }.items() %}
            list({{ value }} order by e.estimate_se, e.site) filter (where is_usable) as {{ name }},
        {%- endfor %}
        string_agg(e.site || ': ' || coalesce(e.why_missing, 'no usable standard error'), '; ' order by e.site)
        filter (where not is_usable) as without_error,
        sum(e.n_treatment) filter (where is_usable) as n_treatment,
        sum(e.n_control) filter (where is_usable) as n_control,
        string_agg(distinct e.basis, ', ' order by e.basis desc) filter (where is_usable) as basis,
        {{ worst_verdict('g.verdict') }} filter (where is_usable) as quality_verdict
    from (
        -- beyond these bounds squares and cubes of a variance leave the range of doubles
        select
            *,
            coalesce(estimate_se between 1e-45 and 1e45 and abs(estimate) < 1e90, false) as is_usable
        from {{ ref('int_site_effects') }}
        where is_own
    ) as e
    inner join placed as p
        on e.analysis = p.analysis and e.indicator = p.indicator and e.wave = p.wave and e.site = p.site
    inner join {{ source('registry', 'sites') }} as r on e.site = r.site
    left join {{ source('registry', 'site_stages') }} as t on p.site = t.site and p.own_stage = t.stage
    left join {{ source('quality', 'admission') }} as g
        on e.site = g.site and e.wave = g.wave and e.indicator = g.indicator
    where p.state = 'included'
    group by all
)

select
    row_number() over (
        order by s.analysis, s.indicator, s.wave, s.stage, s.design_group, m.dimension, m.level, m.measure
    ) as pool_id,
    s.* exclude (excluded_sites),
    nullif(concat_ws('; ', s.excluded_sites, m.without_error), '') as excluded_sites,
    coalesce(m.dimension, 'all') as dimension,
    coalesce(m.level, 'all') as level,
    coalesce(m.measure, i.effect_scale) as measure,
    {%- for name in ['sites', 'y', 'v', 'df', 'started'] %}
        coalesce(m.{{ name }}, []) as {{ name }},
    {%- endfor %}
    case when not list_contains(list_transform(m.eligible, lambda x: x is null), true) then m.eligible end as eligible,
    m.n_treatment,
    m.n_control,
    m.basis,
    m.quality_verdict
from stages as s
left join members as m using ({{ key }})
inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
order by pool_id
