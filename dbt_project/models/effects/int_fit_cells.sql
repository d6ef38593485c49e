-- Cells of the moments, sorted into the comparisons ("fits") they serve: a site alone, or at level network all
-- included sites of a stage together. Here and only here an analysis' `adjust` and `clusters` become a block and a
-- cluster; a cell without a cluster holds units that are each their own cluster.
select
    m.analysis,
    m.indicator,
    m.wave,
    m.dimension,
    m.level,
    m.arm = a.treatment_arm as is_treated,
    m.n,
    m.weight_sum::hugeint as weight_sum,
    m.mass::hugeint as mass,
    m.total::hugeint as total,
    m.total_squares::hugeint as total_squares,
    m.total_mass::hugeint as total_mass,
    m.mass_squares::hugeint as mass_squares,
    case when a.level = 'network' then 'network' else m.site end as site,
    case when a.level = 'network' then s.pool else s.stage end as stage,
    case
        when a.adjust = 'block' and a.level = 'network' then m.site || '|' || coalesce(m.block_id, '')
        when a.adjust = 'block' then coalesce(m.block_id, '')
        when a.adjust = 'site' and a.level = 'network' then m.site
        else ''
    end as block_id,
    case
        when a.clusters = 'none' then null
        when a.clusters = 'site' then m.site
        when r.design = 'cluster_rct' and m.cluster_id is null then m.site || '|unnamed'
        when a.level = 'network' then m.site || '|' || m.cluster_id
        else m.cluster_id
    end as cluster_id
from {{ ref('int_cell_moments') }} as m
inner join {{ source('registry', 'analyses') }} as a on m.analysis = a.analysis
inner join {{ source('registry', 'sites') }} as r on m.site = r.site
inner join {{ ref('int_analysis_sites') }} as s
    on m.analysis = s.analysis and m.wave = s.wave and m.indicator = s.indicator and m.site = s.site
where s.state = 'included' and m.arm in (a.treatment_arm, a.control_arm)
