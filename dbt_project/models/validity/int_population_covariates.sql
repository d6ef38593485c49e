-- Covariate by covariate: how far the areas that are ours lie from the population's mean, and how much of the
-- population lies within their range.  SMD = (mean of ours - mean of all) / SD of all
with values_told as (
    select
        s.sample,
        s.area,
        s.is_in,
        c.covariate,
        c.value,
        min(c.value) filter (where s.is_in) over (partition by s.sample, c.covariate) as least,
        max(c.value) filter (where s.is_in) over (partition by s.sample, c.covariate) as greatest
    from {{ ref('int_population_samples') }} as s
    inner join {{ source('registry', 'population_covariates') }} as c on s.area = c.area
),

one_by_one as (
    select
        sample,
        covariate,
        count(*) as area_count,
        count(*) filter (where is_in) as site_area_count,
        fsum(value order by area) / count(*) as mean,
        fsum(value order by area) filter (where is_in) / site_area_count as mean_ours,
        count(*) filter (where value between least and greatest) as within_count
    from values_told
    group by sample, covariate
),

spreads as (
    select
        t.sample,
        t.covariate,
        sqrt(fsum((t.value - o.mean) ** 2 order by t.area) / nullif(any_value(o.area_count) - 1, 0)) as sd
    from values_told as t
    inner join one_by_one as o on t.sample = o.sample and t.covariate = o.covariate
    group by t.sample, t.covariate
),

within_all as (
    select
        sample,
        area,
        bool_and(value between least and greatest) as is_within
    from values_told
    group by sample, area
)

select
    o.sample,
    o.covariate,
    o.area_count,
    o.site_area_count,
    (o.mean_ours - o.mean) / nullif(s.sd, 0) as smd,
    o.within_count / o.area_count as share_within
from one_by_one as o
inner join spreads as s on o.sample = s.sample and o.covariate = s.covariate
union all
-- the worst of them, and the areas within range on every covariate at once
select
    w.sample,
    '*' as covariate,
    count(*) as area_count,
    any_value(x.site_area_count) as site_area_count,
    any_value(x.smd) as smd,
    count(*) filter (where w.is_within) / count(*) as share_within
from within_all as w
inner join (
    select
        o.sample,
        any_value(o.site_area_count) as site_area_count,
        max(abs((o.mean_ours - o.mean) / nullif(s.sd, 0))) as smd
    from one_by_one as o
    inner join spreads as s on o.sample = s.sample and o.covariate = s.covariate
    group by o.sample
) as x on w.sample = x.sample
group by w.sample
order by sample, covariate
