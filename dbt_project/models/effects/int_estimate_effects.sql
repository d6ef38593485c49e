-- Effects known from a publication only, for every analysis that compares treatment with control where they stand.
select
    s.analysis,
    s.indicator,
    s.wave,
    s.site,
    s.stage,
    e.dimension,
    e.level,
    e.measure,
    'published_estimate' as estimator,
    true as is_own,
    e.estimate,
    e.estimate_se,
    e.df,
    e.n,
    e.n_treatment,
    e.n_control,
    e.citation,
    e.why_no_error
from {{ ref('int_analysis_sites') }} as s
inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
inner join {{ ref('stg_estimates') }} as e on s.site = e.site and s.wave = e.wave and s.indicator = e.indicator
where
    s.state = 'included'
    and s.basis = 'estimates'
    and e.problem is null
    and a.level = 'site'
    and a.treatment_arm = 'treatment'
    and a.control_arm = 'control'
order by s.analysis, s.indicator, s.wave, s.site, e.dimension, e.level
