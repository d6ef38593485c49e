with protected as (
    select
        tests.*,
        analyses.is_randomised,
        {{ effect_unit("'difference'", 'indicators.unit') }} as effect_unit,
        -- of a pool the sites' own rows decide: none of them may be small
        {{ is_small('tests.n_treatment') }} or {{ is_small('tests.n_control') }} or (
            tests.site = '*' and exists (
                select 1
                from {{ ref('int_subgroup_tests') }} as parts
                where
                    parts.analysis = tests.analysis and parts.indicator = tests.indicator
                    and parts.wave = tests.wave and parts.dimension = tests.dimension and parts.level = tests.level
                    and parts.site <> '*' and tests.stage in (parts.stage, 'all')
                    and ({{ is_small('parts.n_treatment') }} or {{ is_small('parts.n_control') }})
            )
        ) as is_suppressed,
        {{ suppressed_words('people in an arm of a level') }} as suppressed_words
    from {{ ref('int_subgroup_tests') }} as tests
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
)

select
    analysis,
    indicator,
    wave,
    site,
    stage,
    design_group,
    dimension,
    level,
    estimator,
    effect_unit,
    {%- for number in [
        'estimate', 'estimate_se', 'df', 'estimate_low', 'estimate_high', 'test_f', 'test_df1', 'test_df2', 'p_value'
    ] %}
        {{ unless_suppressed(number) }} as {{ number }},
    {%- endfor %}
    is_tested,
    family_count::integer as family_count,
    {{ unless_suppressed('p_holm') }} as p_holm,
    {{ unless_suppressed('p_bh') }} as p_bh,
    {{ contrast_words('is_randomised') }} || ', in one level of the dimension minus another' as estimand,
    is_suppressed,
    case
        when is_suppressed then suppressed_words
        when why_missing is null and level = 'any' then 'a joint test of several levels has no single difference'
        else why_missing
    end as why_missing
from protected
order by analysis, indicator, wave, site, stage, design_group, dimension, level
