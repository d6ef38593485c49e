{{ config(materialized='ephemeral') }}
-- What the gates withheld of each stage: how many sites, units and eligible people, which of them can be restored, and
-- how large an effect can be where nothing is known of it (span): 100 points for a share, a scale's own range, else one
-- standard deviation, more than what Cohen (1988) calls a large effect (0.8).
with placed as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.site,
        s.state = 'withheld' as is_withheld,
        a.level,
        a.round,
        a.treatment_arm,
        a.control_arm,
        r.eligible_count::double as eligible,
        unnest(if(a.level = 'site', list_distinct([s.pool, 'all']), [s.pool])) as stage,
        case
            when a.level = 'network' then 'randomised'
            when a.pool_designs = 'together' then 'randomised and non-randomised'
            else s.design_group
        end as design_group
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ source('registry', 'sites') }} as r on s.site = r.site
    where s.state in ('included', 'withheld') and s.design_group is not null
),

-- where nothing is withheld, no frame is read
contrasts as (
    select distinct
        analysis,
        indicator,
        wave,
        site,
        round,
        treatment_arm,
        control_arm
    from placed
    where (select bool_or(w.is_withheld) from placed as w)
),

framed as (
    select
        p.analysis,
        p.indicator,
        p.wave,
        p.site,
        count(distinct f.unit_key) as units
    from contrasts as p
    inner join {{ ref('int_frame') }} as f
        on
            p.site = f.site and p.round = f.round and coalesce(f.wave, p.wave) = p.wave
            and f.arm in (p.treatment_arm, p.control_arm) and not f.is_replacement
    group by all
),

control_sds as (
    select
        analysis,
        indicator,
        wave,
        median(sd_control) as sd
    from {{ ref('int_site_effects') }}
    where dimension = 'all' and is_headline and sd_control > 0
    group by analysis, indicator, wave
)

select
    p.analysis,
    p.indicator,
    p.wave,
    p.stage,
    p.design_group,
    p.level,
    i.effect_scale as measure,
    count(*) as site_count,
    count(*) filter (where p.is_withheld) as withheld_count,
    count(*) filter (where e.site is not null) as restored_count,
    if(bool_and(f.units is not null), sum(f.units), null)::bigint as unit_count,
    if(bool_and(f.units is not null), coalesce(sum(f.units) filter (where p.is_withheld), 0), null)::bigint
        as withheld_unit_count,
    sum(p.eligible order by p.site) as eligible_sum,
    sum(p.eligible order by p.site) filter (where p.is_withheld and e.site is null) as eligible_bounded,
    sum(p.eligible order by p.site) filter (where p.is_withheld) as eligible_withheld,
    list({
        'y': e.estimate, 'v': e.variance, 'df': e.df, 'eligible': p.eligible, 'site': p.site
    } order by p.site) filter (where e.site is not null) as restored,
    any_value(case
        when i.effect_scale = 'risk_difference' or (i.effect_scale = 'difference' and i.statistic = 'share')
            then 100
        when i.effect_scale = 'hedges_g' then 1
        when i.effect_scale = 'difference' then coalesce(i.scale_max - i.scale_min, i.reference_sd, d.sd)
    end) as span
from placed as p
inner join {{ source('registry', 'indicators') }} as i on p.indicator = i.indicator
left join framed as f
    on p.analysis = f.analysis and p.indicator = f.indicator and p.wave = f.wave and p.site = f.site
left join {{ ref('int_withheld_effects') }} as e
    on
        p.is_withheld and p.analysis = e.analysis and p.indicator = e.indicator and p.wave = e.wave
        and p.site = e.site
left join control_sds as d on p.analysis = d.analysis and p.indicator = d.indicator and p.wave = d.wave
group by p.analysis, p.indicator, p.wave, p.stage, p.design_group, p.level, i.effect_scale
having count(*) filter (where p.is_withheld) > 0
