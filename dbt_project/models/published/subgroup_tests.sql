-- A difference shows one level by the other: where any level of the dimension is hidden, so are its tests.
with hidden as (
    select
        analysis,
        indicator,
        wave,
        site,
        null as stage,
        null as design_group,
        dimension,
        bool_or(is_effect_hidden) as is_hidden
    from {{ ref('int_hidden_cells') }}
    group by all
    union all
    select
        analysis,
        indicator,
        wave,
        '*' as site,
        stage,
        design_group,
        dimension,
        bool_or(is_hidden) as is_hidden
    from {{ ref('int_hidden_pools') }}
    group by all
),

protected as (
    select
        tests.*,
        analyses.is_randomised,
        {{ effect_unit("'difference'", 'indicators.unit') }} as effect_unit,
        {{ is_small('tests.n_treatment') }} or {{ is_small('tests.n_control') }} or coalesce(hidden.is_hidden, false)
            as is_suppressed,
        {{ suppressed_words('people in an arm of a level') }} as suppressed_words
    from {{ ref('int_subgroup_tests') }} as tests
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    left join hidden
        on
            tests.analysis = hidden.analysis and tests.indicator = hidden.indicator and tests.wave = hidden.wave
            and tests.site = hidden.site and tests.dimension = hidden.dimension
            and (tests.site <> '*' or (tests.stage = hidden.stage and tests.design_group = hidden.design_group))
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
