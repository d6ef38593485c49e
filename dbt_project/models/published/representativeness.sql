-- noqa: disable=LT02
-- Areas are no people: what is known of them is published as it is.
with numbers as (
{%- for name, estimator in {
    'b_kernel': 'gaussian_kernel', 'b_kernel_rest': 'gaussian_kernel', 'b_bins5': 'bins_5', 'b_bins10': 'bins_10'
}.items() %}
    select
        sample,
        '{{ 'tipton_b_against_the_rest' if name == 'b_kernel_rest' else 'tipton_b' }}' as measure,
        '{{ estimator }}' as estimator,
        '*' as covariate,
        {{ name }} as value,
        'index from 0 to 1' as unit,
        {{ name ~ " is not null and '" ~ name ~ "' = 'b_kernel'" }} as is_headline,
        area_count,
        site_area_count,
        case when {{ name }} is null and state = 'measured' then 'constant' else state end as state,
        case when {{ name }} is null then coalesce(reason, 'the scores compared are alike') end as why_missing
    from {{ ref('int_generalizability') }}
    union all by name
{%- endfor %}
{%- for name, (measure, unit) in {
    'smd': ('smd', 'standard deviations'), 'share_within': ('population_within_range', 'percent')
}.items() %}
    select
        sample,
        case when covariate = '*' and '{{ measure }}' = 'smd' then 'worst_smd' else '{{ measure }}' end as measure,
        'count' as estimator,
        covariate,
        {{ '100 * ' if unit == 'percent' }}{{ name }} as value,
        '{{ unit }}' as unit,
        false as is_headline,
        area_count,
        site_area_count,
        case when {{ name }} is null then 'constant' else 'measured' end as state,
        case when {{ name }} is null then 'all areas are alike' end as why_missing
    from {{ ref('int_population_covariates') }}
    union all by name
{%- endfor %}
    select
        'all' as sample,
        'tipton_b' as measure,
        'gaussian_kernel' as estimator,
        '*' as covariate,
        'index from 0 to 1' as unit,
        false as is_headline,
        'not_applicable' as state,
        'no population is registered that the sites are to stand for' as why_missing
    where not exists (select 1 from {{ ref('int_population_samples') }})
)

select
    sample,
    measure,
    estimator,
    covariate,
    value,
    unit,
    is_headline,
    case
        when measure <> 'tipton_b' or estimator <> 'gaussian_kernel' then null
        when value >= 0.9 then 'very_high'
        when value >= 0.8 then 'high'
        when value >= 0.5 then 'medium'
        when value is not null then 'low'
    end as band,
    area_count,
    site_area_count,
    state,
    why_missing
from numbers
