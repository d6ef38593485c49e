-- What stands in the way of a verdict, whatever the numbers say: the first reason that applies, or none.
with standing as (
    select
        c.*,
        i.role,
        i.is_descriptive,
        i.quantile,
        w.is_baseline,
        c.design_group is null and c.pilot_designs <> c.scaled_designs as is_other_design,
        c.pilot_incomparable > 0 and c.pilot_incomparable + c.pilot_unidentified = c.pilot_measured
            as is_pilot_incomparable,
        c.scaled_incomparable > 0 and c.scaled_incomparable + c.scaled_unidentified = c.scaled_measured
            as is_scaled_incomparable,
        -- weights of pooled sites then rest on errors that are hardly known: simulated, over 5% of verdicts were wrong
        c.estimator not in ('equal_mean', 'eligible_weighted_mean', 'network')
        and coalesce(least(c.pilot_median_site_df, c.scaled_median_site_df) < 3, false) as has_unknown_errors
    from {{ ref('int_retention_claims') }} as c
    inner join {{ source('registry', 'indicators') }} as i on c.indicator = i.indicator
    inner join {{ source('registry', 'waves') }} as w on c.wave = w.wave
)

select
    analysis,
    indicator,
    wave,
    case
        when is_baseline or least(pilot_registered, scaled_registered) = 0 or coalesce(is_descriptive, false)
            then 'not_applicable'
        when is_interim then 'interim'
        when least(pilot_measured, scaled_measured) = 0 then 'not_comparable'
        when pilot_unidentified = pilot_measured or scaled_unidentified = scaled_measured then 'not_identified'
        when is_pilot_incomparable or is_scaled_incomparable or is_other_design then 'not_comparable'
        when not is_complete and estimator = 'eligible_weighted_mean' then 'not_comparable'
        when not is_complete or has_too_few or has_unknown_errors then 'inconclusive'
    end as barred,
    case
        when is_baseline then 'a difference at baseline is imbalance, not an effect'
        when pilot_registered = 0 then 'no pilot site'
        when scaled_registered = 0 then 'no scaled site'
        when quantile is not null
            then 'descriptive only: a difference of quantiles is the effect on nobody in particular'
        when is_descriptive then 'descriptive only: an effect that changes with the unit is neither kept nor lost'
        when is_interim then 'a wave of the analysis is not closed at every site'
        when least(pilot_measured, scaled_measured) = 0
            then 'one of the two stages does not measure this indicator'
        when barred = 'not_identified' then 'one of the two stages has no randomised comparison'
        when is_pilot_incomparable then 'no pilot site asked what was registered as the reference'
        when is_scaled_incomparable then 'no scaled site asked what was registered as the reference'
        when is_other_design
            then
                'the sides do not estimate the same: the pilot is ' || pilot_designs || ', the scaled sites '
                || scaled_designs
        when barred = 'not_comparable' then 'a side''s sites cannot all be weighted by their eligible people'
        when not is_complete then 'one of the two stages has no effect with a standard error'
        when has_too_few then 'too_few_clusters: fewer than four degrees of freedom on a side'
        when has_unknown_errors
            then 'too_few_clusters: half of a side''s sites have fewer than three degrees of freedom each'
    end as bar,
    role = 'primary' and not is_baseline and not coalesce(is_descriptive, false) as is_tested
from standing
order by analysis, indicator, wave
