{#- Treatment minus control with block effects, CR2 standard error and Bell-McCaffrey degrees of freedom.

    Model: y = alpha_block + beta * treated, weighted least squares; one constant block is the plain difference in
    means. Working model: identity on rows whitened by sqrt(weight) (for rates sqrt(weight * exposure)). Bell and
    McCaffrey (2002), Pustejovsky and Tipton (2018); equal to R's clubSandwich. Blocks are fixed effects, clusters
    lie within blocks and may hold one arm or both.

    A closed form, because the residuals and leverages of a cluster are constant within its (at most two) arms: in
    the basis sqrt(mass) of those cells every matrix is 2 x 2, and an arm with no mass falls out by itself.
        tbar = treated share of the block's mass; t_a = a - tbar; D = sum mass * t^2; beta = sum(mass * t * ybar) / D
        B = I - H,  H_ij = sqrt(W_i W_j) (1 / W_block + t_i t_j / D);  A = B^(-1/2), pseudo-inverse
        a_i = sum_j A_ij sqrt(W_j) t_j / D;  z = sum_i a_i S_i / sqrt(W_i), S the residual sum of cell i
        Var = sum z^2;  df = (sum(d - p_cc))^2 / sum_cd (1{c=d} d_c - p_cd)^2, with d = sum a^2,
        v = sum a_i sqrt(W_i), u = sum a_i sqrt(W_i) t_i, p_cd = 1{same block} v_c v_d / W_block + u_c u_d / D
    Units that are their own clusters (`multiplicity` of them in a row, alike in weight) give HC2 by the same lines.
    Where B is singular (a cluster that is its block's all) the absorbed direction is left out.

    In: a relation like int_fit_clusters. Out: one row per fit that has a block with both arms: fit_id, beta,
    beta_se, df (steps of the indicator), clusters_1, clusters_0 (those in blocks with both arms), is_nested.
    Doubles are summed in a stated order, so that results do not depend on the number of threads. -#}
{% macro cluster_robust(clusters) %}
{{ cluster_terms(clusters) }},

block_terms as (
    select
        fit_id,
        block_id,
        d,
        w,
        case when bool_and(z2 is not null) then sum(z2 order by cluster_id, unit_arm) end as z2,
        sum(copies * (dc - pc) order by cluster_id, unit_arm) as trace,
        sum(copies * (dc * dc - 2 * dc * pc) order by cluster_id, unit_arm) as squares,
        sum(copies * v * v order by cluster_id, unit_arm) as vv,
        sum(copies * v * u order by cluster_id, unit_arm) as vu,
        sum(copies * u * u order by cluster_id, unit_arm) as uu,
        sum(case when q1 > 0 then copies else 0 end) as clusters_1,
        sum(case when q0 > 0 then copies else 0 end) as clusters_0
    from terms
    group by fit_id, block_id, d, w
),

nesting as (
    select
        fit_id,
        count(cluster_id) = count(distinct cluster_id) as is_nested
    from {{ clusters }}
    group by fit_id
)

select
    s.fit_id,
    s.beta,
    case when bool_and(b.z2 is not null) then sqrt(sum(b.z2 order by b.block_id)) end as beta_se,
    sum(b.trace order by b.block_id) ** 2
    / nullif(
        sum(b.squares + (b.vv / b.w) ** 2 + 2 * b.vu ** 2 / (b.w * b.d) order by b.block_id)
        + (sum(b.uu order by b.block_id) / s.d) ** 2, 0
    ) as df,
    sum(b.clusters_1)::bigint as clusters_1,
    sum(b.clusters_0)::bigint as clusters_0,
    n.is_nested
from slopes as s
inner join block_terms as b on s.fit_id = b.fit_id
inner join nesting as n on s.fit_id = n.fit_id
group by s.fit_id, s.beta, s.d, n.is_nested
{% endmacro %}

{#- The same, cluster by cluster: the CTEs `slopes` (fit_id, d, beta) and `terms`, one row per row of the relation in a
    block with both arms: its score z (NULL for units on their own, which have z2 alone), dc, v, u, pc, w and d.
    `terms` is materialised because pushing later filters through its nested formulas takes 25 times longer to plan
    (0.65 s against 0.03 s) than the rest. -#}
{% macro cluster_terms(clusters) %}
with block_sums as (
    select
        fit_id,
        block_id,
        sum(mass_1)::double as w1,
        sum(mass_0)::double as w0,
        sum(total_1)::double as y1,
        sum(total_0)::double as y0,
        w1 + w0 as w,
        w1 / w as tbar
    from {{ clusters }}
    group by fit_id, block_id
),

slopes as (
    select
        fit_id,
        sum(w1 * w0 / w order by block_id) as d,
        sum((y1 * w0 - y0 * w1) / w order by block_id) / d as beta
    from block_sums
    where w1 > 0 and w0 > 0
    group by fit_id
),

cells as (
    select
        c.fit_id, c.block_id, c.cluster_id, c.unit_arm, s.d, b.w, b.w1, b.w0,
        c.multiplicity::double as copies,
        1 - b.tbar as t1,
        -b.tbar as t0,
        (b.y1 + b.y0) / b.w as ybar,
        sqrt(c.mass_1::double / c.multiplicity) as q1,
        sqrt(c.mass_0::double / c.multiplicity) as q0,
        c.total_1::double - c.mass_1::double * (ybar + s.beta * t1) as s1,
        c.total_0::double - c.mass_0::double * (ybar + s.beta * t0) as s0,
        ybar + s.beta * (case when c.unit_arm then t1 else t0 end) as fitted,
        (c.squares::double - 2 * fitted * c.cross_sum::double + fitted ** 2 * c.mass_squares::double)
        * c.weight_sum::double / (c.mass_1 + c.mass_0)::double as unit_squares
    from {{ clusters }} as c
    inner join block_sums as b on c.fit_id = b.fit_id and c.block_id = b.block_id
    inner join slopes as s on c.fit_id = s.fit_id
    where b.w1 > 0 and b.w0 > 0
),

leverages as (
    select
        *,
        1 - q1 * q1 * (1 / w + t1 * t1 / d) as b11,
        1 - q0 * q0 * (1 / w + t0 * t0 / d) as b00,
        -q1 * q0 * (1 / w + t1 * t0 / d) as b10,
        b11 + b00 as tr,
        b11 * b00 - b10 * b10 as det,
        -- A = (x - y * B) * scale, by the Cayley-Hamilton form of the inverse square root
        case when tr < 1e-10 then 'none' when det < 1e-10 * tr then 'one' else 'both' end as rank,
        sqrt(greatest(det, 0)) as root,
        case rank when 'both' then sqrt(tr + 2 * root) * root end as scale
    from cells
),

adjustments as (
    select
        *,
        case rank when 'both' then (b00 + root) / scale when 'one' then b11 / tr ** 1.5 else 0 end as a11,
        case rank when 'both' then (b11 + root) / scale when 'one' then b00 / tr ** 1.5 else 0 end as a00,
        case rank when 'both' then -b10 / scale when 'one' then b10 / tr ** 1.5 else 0 end as a10,
        (a11 * q1 * t1 + a10 * q0 * t0) / d as a1,
        (a10 * q1 * t1 + a00 * q0 * t0) / d as a0
    from leverages
),

terms as materialized (
    select
        *,
        case
            when unit_arm is null
                then case when q1 > 0 then a1 * s1 / q1 else 0 end + case when q0 > 0 then a0 * s0 / q0 else 0 end
        end as z,
        case
            when unit_arm is not null then (case when unit_arm then a1 else a0 end) ** 2 * unit_squares
            else z ** 2
        end as z2,
        case when q1 > 0 then a1 ** 2 else 0 end + case when q0 > 0 then a0 ** 2 else 0 end as dc,
        a1 * q1 + a0 * q0 as v,
        a1 * q1 * t1 + a0 * q0 * t0 as u,
        v * v / w + u * u / d as pc
    from adjustments
)
{% endmacro %}
