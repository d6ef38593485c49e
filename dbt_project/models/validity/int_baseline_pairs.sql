-- Where units themselves were drawn: exact sums of products of what is known at baseline, by block. A rows model; sites
-- whose clusters were drawn need it not.
with drawn as (
    select distinct
        analysis,
        member
    from {{ ref('int_baseline_groups') }}
    where is_randomised and not is_drawn_by_cluster
),

units as (
    select u.*
    from {{ ref('int_baseline_units') }} as u
    inner join drawn as d on u.analysis = d.analysis and u.site = d.member
    where u.covariate <> '*'
)

select
    a.analysis,
    a.site,
    a.block_id,
    a.covariate as covariate_a,
    b.covariate as covariate_b,
    count(*) as n,
    sum(a.value)::decimal(38, 0) as total_a,
    sum(b.value)::decimal(38, 0) as total_b,
    sum(a.value * b.value)::decimal(38, 0) as products
from units as a
inner join units as b on a.analysis = b.analysis and a.unit_key = b.unit_key
group by a.analysis, a.site, a.block_id, a.covariate, b.covariate
order by a.analysis, a.site, a.block_id, a.covariate, b.covariate
