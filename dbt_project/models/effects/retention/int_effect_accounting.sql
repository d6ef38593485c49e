-- An accounting of the drop: what of the change between pilot and scale goes with other people (composition), with
-- fidelity and with who implements it, and what is left. Parts are means over all orders (function drop_parts) and add
-- up to the change; rest takes what no part has. An association over sites, which were not randomised to what they are.
-- Errors by the delta method: of composition from the pilot's clusters, of slopes from the sites' residuals, taken as
-- independent of each other and of the change (slopes within stages are, of the stages' equally weighted means).
{%- set key = 'analysis, indicator, wave' %}
with sites as (
    select
        p.analysis,
        p.indicator,
        p.wave,
        p.stage,
        p.design_group,
        unnest(p.sites) as site,
        unnest(p.y) as y
    from {{ ref('int_pools') }} as p
    inner join {{ source('registry', 'indicators') }} as i on p.indicator = i.indicator and p.measure = i.effect_scale
    where p.dimension = 'all' and p.stage in ('pilot', 'scaled')
),

questions as (
    select
        c.analysis,
        c.indicator,
        c.wave,
        c.measure,
        c.change,
        c.change_se,
        c.change_df,
        c.estimator,
        b.barred,
        b.bar,
        coalesce(x.composition is not null and c.measure in ('difference', 'risk_difference'), false) as is_on_scale,
        x.* exclude ({{ key }}),
        is_on_scale and x.empty_cells is null and x.pilot_sites = c.pilot_site_count
        and x.scaled_sites = c.scaled_site_count as has_composition,
        list(s.y order by s.site) as y,
        list(s.stage = 'scaled' order by s.site) as is_scaled,
        list(if(a.unit = 'person_weighted', r.eligible_count::double, 1) order by s.site) as weight,
        list(x.predicted[s.site] order by s.site) as site_predictions,
        list(f.value order by s.site) as fidelity,
        list(r.implementer order by s.site) as implementer
    from {{ ref('int_retention_claims') }} as c
    inner join {{ ref('int_retention_bars') }} as b using ({{ key }})
    inner join {{ source('registry', 'analyses') }} as a on c.analysis = a.analysis
    left join {{ ref('int_composition') }} as x using ({{ key }})
    left join sites as s
        on
            c.analysis = s.analysis and c.indicator = s.indicator and c.wave = s.wave
            and c.design_group = s.design_group and c.estimator <> 'network'
    left join {{ source('registry', 'sites') }} as r on s.site = r.site
    left join {{ source('registry', 'site_covariates') }} as f on s.site = f.site and f.covariate = 'fidelity_pct'
    where c.pilot_registered > 0
    group by all
),

accounted as (
    select
        *,
        case when barred is null then drop_parts(
            y, is_scaled, weight, if(has_composition, site_predictions, null), fidelity, implementer
        ) end as found,
        -- with no site to regress over, composition stands alone
        coalesce(found[1], if(has_composition and barred is null, composition, null)) as part_composition,
        found[2] as part_fidelity,
        found[3] as part_implementer,
        coalesce(part_composition, 0) + coalesce(part_fidelity, 0) + coalesce(part_implementer, 0) as accounted,
        coalesce(if(part_composition is not null, composition_se ** 2, 0), 0) + coalesce(found[6], 0) as accounted_v
    from questions
),

parts as (
    {%- for part, order, se, df in [
        ('composition', 1, 'composition_se', 'composition_df'),
        ('fidelity', 2, 'sqrt(found[4])', 'found[7]'),
        ('implementer', 3, 'sqrt(found[5])', 'found[7]'),
    ] %}
        select
            {{ key }},
            measure,
            '{{ part }}' as part,
            {{ order }} as part_order,
            part_{{ part }} as estimate,
            case when part_{{ part }} is not null then {{ se }} end as estimate_se,
            case when part_{{ part }} is not null then {{ df }} end as df,
            case
                when barred is not null then bar
                when estimate is not null then null
                {%- if part == 'composition' %}
                    when composition is null
                        then 'no cells of people: the indicator registers no subgroup, or no site sends people'
                    when not is_on_scale then 'cells of people are told for differences in the indicator''s unit only'
                    when empty_cells is not null then 'no pilot site has both arms in: ' || empty_cells
                    else 'a site sends no people, or none of known subgroups'
                {%- else %}
                    when estimator = 'network' then 'one trial over all sites tells of no site apart'
                    when found[{{ order + 6 }}] = 2 then 'changes only together with the stage'
                    when found[{{ order + 6 }}] = 3 then 'too_few_sites: fewer than ten for each slope'
                    else 'not registered for every site'
                {%- endif %}
            end as why_missing
        from accounted
        union all
    {%- endfor %}
    select
        {{ key }},
        measure,
        'rest' as part,
        4 as part_order,
        change - accounted as estimate,
        sqrt(change_se ** 2 + accounted_v) as estimate_se,
        list_min([
            change_df,
            if(part_composition is null, null, composition_df),
            if(part_fidelity is null and part_implementer is null, null, found[7])
        ]) as df,
        bar as why_missing
    from accounted
    union all
    select
        {{ key }},
        measure,
        'change' as part,
        5 as part_order,
        change as estimate,
        change_se as estimate_se,
        change_df as df,
        bar as why_missing
    from accounted
)

select
    {{ key }},
    measure,
    part,
    part_order,
    case when why_missing is null then estimate end as estimate,
    case when why_missing is null and estimate_se > 0 and df > 0 then estimate_se end as estimate_se,
    case when why_missing is null and estimate_se > 0 and df > 0 then df end as df,
    case when why_missing is null then estimate - t_quantile(0.975, df) * estimate_se end as estimate_low,
    case when why_missing is null then estimate + t_quantile(0.975, df) * estimate_se end as estimate_high,
    case when why_missing is null then 'estimated' else 'not_estimable' end as state,
    why_missing
from parts
order by {{ key }}, part_order
