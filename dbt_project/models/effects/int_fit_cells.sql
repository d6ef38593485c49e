-- Cells of the moments, sorted into the comparisons ("fits") they serve: a site alone, or at level network all
-- included sites of a stage together (macro fit_keys); a cell without a cluster holds units that are each their own.
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
    {{ fit_site() }} as site,
    {{ fit_stage() }} as stage,
    {{ fit_block() }} as block_id,
    {{ fit_cluster() }} as cluster_id
{{ counted_in_fits(ref('int_cell_moments')) }}
where s.state = 'included' and m.arm in (a.treatment_arm, a.control_arm)
