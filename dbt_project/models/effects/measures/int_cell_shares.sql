-- What share of each site's people is in each cell, by the frame: those assigned, measured or not, with their weights.
with people as (
    select
        s.analysis,
        s.indicator,
        s.wave,
        s.site,
        s.stage,
        j.cell,
        sum(f.weight) as mass
    from {{ ref('int_analysis_sites') }} as s
    inner join {{ ref('int_retention_claims') }} as c
        on s.analysis = c.analysis and s.indicator = c.indicator and s.wave = c.wave and c.is_complete
    inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
    inner join {{ ref('int_frame') }} as f
        on
            a.round = f.round and s.site = f.site and coalesce(f.wave, s.wave) = s.wave
            and f.arm in (a.treatment_arm, a.control_arm) and not f.is_replacement
    inner join {{ ref('int_joint_cells') }} as j
        on s.indicator = j.indicator and f.round = j.round and f.unit_key = j.unit_key
    where s.state = 'included' and s.stage in ('pilot', 'scaled')
    group by all
)

select
    *,
    mass::double / sum(mass) over (partition by analysis, indicator, wave, site)::double as share
from people
order by analysis, indicator, wave, site, cell
