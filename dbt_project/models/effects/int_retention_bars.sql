-- What stands in the way of a verdict, whatever the numbers say: the first reason that applies, or none.
select
    c.analysis,
    c.indicator,
    c.wave,
    case
        when w.is_baseline or least(c.pilot_registered, c.scaled_registered) = 0 then 'not_applicable'
        when c.is_interim then 'interim'
        when least(c.pilot_measured, c.scaled_measured) = 0 then 'not_comparable'
        when c.pilot_unidentified = c.pilot_measured or c.scaled_unidentified = c.scaled_measured
            then 'not_identified'
        when not c.is_complete and c.estimator = 'eligible_weighted_mean' then 'not_comparable'
        when not c.is_complete or c.has_too_few then 'inconclusive'
    end as barred,
    case
        when w.is_baseline then 'a difference at baseline is imbalance, not an effect'
        when c.pilot_registered = 0 then 'no pilot site'
        when c.scaled_registered = 0 then 'no scaled site'
        when c.is_interim then 'a wave of the analysis is not closed at every site'
        when least(c.pilot_measured, c.scaled_measured) = 0
            then 'one of the two stages does not measure this indicator, or not comparably'
        when barred = 'not_identified' then 'one of the two stages has no randomised comparison'
        when barred = 'not_comparable' then 'a side''s sites cannot all be weighted by their eligible people'
        when not c.is_complete then 'one of the two stages has no effect with a standard error'
        when c.has_too_few then 'too_few_clusters: fewer than four degrees of freedom on a side'
    end as bar,
    i.role = 'primary' and not w.is_baseline as is_tested
from {{ ref('int_retention_claims') }} as c
inner join {{ source('registry', 'indicators') }} as i on c.indicator = i.indicator
inner join {{ source('registry', 'waves') }} as w on c.wave = w.wave
order by c.analysis, c.indicator, c.wave
