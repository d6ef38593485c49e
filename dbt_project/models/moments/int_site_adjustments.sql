-- How an analysis' effect at a site is adjusted, by design and registry alone, never by what the data show:
-- difference_in_differences: `comparison`, the same people in both waves (unless the analysis says panel: false);
-- repeated_cross_sections: `comparison`, other people in each wave, quotients, and sites that sent moments;
-- ancova: covariates were registered and there are rows of a statistic that has them; none: as the design stands.
select
    s.analysis,
    s.wave,
    s.indicator,
    s.site,
    s.basis = 'rows' and not ({{ is_quotient('i.statistic') }} or {{ is_quantile('i.statistic') }}) as has_values,
    case
        when r.design = 'comparison' and coalesce(a.is_panel, true) and has_values then 'difference_in_differences'
        when {{ is_quantile('i.statistic') }} then 'none'
        when r.design = 'comparison' then 'repeated_cross_sections'
        when c.analysis is not null and has_values then 'ancova'
        else 'none'
    end as adjustment,
    case
        when adjustment = 'ancova' then null
        when
            c.analysis is not null and adjustment = 'none'
            and ({{ is_quotient('i.statistic') }} or {{ is_quantile('i.statistic') }})
            then 'not adjusted: a ' || i.statistic || ' has no covariates'
        when c.analysis is not null and adjustment = 'none'
            then 'not adjusted: needs rows, and only ' || s.basis || ' were sent'
        when c.analysis is not null and adjustment = 'repeated_cross_sections' and {{ is_quotient('i.statistic') }}
            then 'covariates are not used: a ' || i.statistic || ' has none'
        when c.analysis is not null and adjustment = 'repeated_cross_sections'
            then 'covariates are not used: other people were measured before'
    end as adjustment_note
from {{ ref('int_analysis_sites') }} as s
inner join {{ source('registry', 'sites') }} as r on s.site = r.site
inner join {{ source('registry', 'analyses') }} as a on s.analysis = a.analysis
inner join {{ source('registry', 'indicators') }} as i on s.indicator = i.indicator
left join (select distinct analysis from {{ source('registry', 'analysis_covariates') }}) as c
    on s.analysis = c.analysis
order by s.analysis, s.wave, s.indicator, s.site
