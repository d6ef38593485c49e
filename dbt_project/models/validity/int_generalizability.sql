-- noqa: disable=LT02
-- Tipton's B: how alike the scores of the areas that are ours and of the population are distributed, 1 where the same.
--   kernel: the integral of sqrt(f_sample f_population); bins: sum of sqrt(p_sample p_population) over quantile bins
-- Tipton (2014). The headline is the kernel's against the whole population; bins of few areas lie lower.
with scores as (
    select
        sample,
        count(*) as area_count,
        count(*) filter (where is_in) as site_area_count,
        bool_and(score is not null) as is_scored,
        list(score order by area) filter (where is_in) as ours,
        list(score order by area) filter (where not is_in) as others,
        list(score order by area) as everybody,
        quantile_cont(score, [0.2, 0.4, 0.6, 0.8]) as cuts_5,
        quantile_cont(score, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) as cuts_10
    from {{ ref('int_sampling_scores') }}
    group by sample
),
{% for bins in [5, 10] %}
binned_{{ bins }} as (
    select
        a.sample,
        len(list_filter(s.cuts_{{ bins }}, lambda cut: cut < a.score)) as bin,
        sqrt(
            count(*) filter (where a.is_in) / any_value(s.site_area_count) * count(*) / any_value(s.area_count)
        ) as part
    from {{ ref('int_sampling_scores') }} as a
    inner join scores as s on a.sample = s.sample
    where s.is_scored
    group by a.sample, bin
),

overlap_{{ bins }} as (
    select
        sample,
        sum(part order by bin) as b
    from binned_{{ bins }}
    group by sample
),
{% endfor %}
compared as (
    select
        s.sample,
        s.area_count,
        s.site_area_count,
        case when s.is_scored then kernel_overlap(s.ours, s.everybody) end as b_kernel,
        case when s.is_scored then kernel_overlap(s.ours, s.others) end as b_kernel_rest,
        b5.b as b_bins5,
        b10.b as b_bins10,
        s.is_scored
    from scores as s
    left join overlap_5 as b5 on s.sample = b5.sample
    left join overlap_10 as b10 on s.sample = b10.sample
)

select
    *,
    case
        when site_area_count < 2 then 'too_few'
        when not is_scored then 'not_estimable'
        when b_kernel is null then 'constant'
        else 'measured'
    end as state,
    case state
        when 'too_few' then 'fewer than two areas are ours'
        when 'not_estimable'
            then 'no logistic regression fits: our areas can be told apart without error, or covariates are collinear'
        when 'constant' then 'the areas that are ours are alike in score'
    end as reason
from compared
order by sample
