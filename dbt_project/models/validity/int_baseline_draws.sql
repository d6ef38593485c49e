-- What was drawn by lot, with its total of each covariate: clusters where clusters were drawn, else the units of a
-- block and arm together. t is the total of x - mean of x at the site, so that who is not known counts as average
-- (mean = origin + beyond: whole steps are taken off while exact);
-- `factor` = m (n - m) / (n (n - 1)), of n drawn in the block m for treatment. Blocks with one arm tell nothing.
with sites as (
    select distinct
        analysis,
        member as site,
        is_drawn_by_cluster
    from {{ ref('int_baseline_groups') }}
    where is_randomised
),

sizes as (
    select
        s.analysis,
        s.site,
        s.is_drawn_by_cluster,
        c.block_id,
        case when s.is_drawn_by_cluster then count(distinct c.cluster_id) else sum(c.n) end::double as drawn,
        case
            when s.is_drawn_by_cluster then count(distinct c.cluster_id) filter (where c.is_treated)
            else coalesce(sum(c.n) filter (where c.is_treated), 0)
        end::double as treated,
        treated * (drawn - treated) / (drawn * (drawn - 1)) as factor
    from sites as s
    inner join {{ ref('int_baseline_cells') }} as c on s.analysis = c.analysis and s.site = c.site
    where c.covariate = '*'
    group by s.analysis, s.site, s.is_drawn_by_cluster, c.block_id
    having treated > 0 and treated < drawn
),

means as (
    select
        analysis,
        site,
        covariate,
        round(sum(total::hugeint)::double / sum(n)::double)::decimal(38, 0)::hugeint as origin,
        (sum(total::hugeint) - origin * sum(n)::hugeint)::double / sum(n)::double as beyond
    from {{ ref('int_baseline_cells') }}
    where covariate <> '*'
    group by analysis, site, covariate
)

select
    c.analysis,
    c.site,
    c.block_id,
    c.cluster_id,
    c.is_treated,
    c.covariate,
    m.origin,
    m.beyond,
    (c.total::hugeint - m.origin * c.n)::double - c.n * m.beyond as t,
    z.is_drawn_by_cluster,
    z.drawn,
    z.treated,
    z.factor
from {{ ref('int_baseline_cells') }} as c
inner join means as m on c.analysis = m.analysis and c.site = m.site and c.covariate = m.covariate
inner join sizes as z on c.analysis = z.analysis and c.site = z.site and c.block_id = z.block_id
order by c.analysis, c.site, c.block_id, c.cluster_id, c.is_treated, c.covariate
