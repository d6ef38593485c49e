-- Whom a site's costs served: everybody of the frame drawn for the analysis' treatment arm, measured or not.
select
    a.analysis,
    f.site,
    count(distinct f.unit_key) as participants
from {{ source('registry', 'analyses') }} as a
inner join {{ ref('int_frame') }} as f on a.round = f.round and a.treatment_arm = f.arm
where (a.replacements = 'include' or not f.is_replacement)
group by a.analysis, f.site
order by a.analysis, f.site
