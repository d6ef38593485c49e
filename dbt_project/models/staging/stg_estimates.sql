-- Effects known from a publication only, read as numbers; `problem` says where a row contradicts itself.
-- A standard error comes as it was published, or from its interval; degrees of freedom as published, or n - 2 where
-- people were randomised one by one. A cluster trial's standard error without its degrees of freedom is no standard
-- error: neither its own nor a normal quantile may stand in for them.
{%- set numbers = ['effect', 'se', 'low', 'high', 'level_pct', 'df', 'n', 'n_treatment', 'n_control'] %}
with sent as (
    {{ aggregate_rows('estimates', ['wave', 'indicator', 'dimension', 'level', 'scale', 'citation'] + numbers) }}
),

placed as (
    select
        sent.* exclude ({{ numbers | join(', ') }}),
        site_codes.site,
        sites.design,
        indicators.effect_scale,
        {%- for number in numbers %}
            {{ sent_decimal('sent.' ~ number) }}::double as {{ number }},
        {%- endfor %}
        {{ any_unreadable('sent', numbers) }} as is_unreadable
    from sent
    inner join {{ ref('stg_site_codes') }} as site_codes
        on sent.source = site_codes.source and sent.site_code = site_codes.site_code
    inner join {{ source('registry', 'sites') }} as sites on site_codes.site = sites.site
    inner join {{ source('registry', 'indicators') }} as indicators on sent.indicator = indicators.indicator
),

completed as (
    select
        * exclude (df),
        df <= 0 as is_df_wrong,
        coalesce(n, n_treatment + n_control) as people,
        n <> n_treatment + n_control as is_miscounted,
        coalesce(level_pct, 95) as told_level,
        coalesce(case when df > 0 then df end, case when design = 'rct' and people > 2 then people - 2 end) as df,
        (high - low) / 2 as half_width
    from placed
),

measured as (
    select
        *,
        case when df > 0 and told_level between 50 and 99.9999 then t_quantile(0.5 + told_level / 200, df) end
            as quantile,
        case when df > 0 then coalesce(se, half_width / quantile) end as estimate_se
    from completed
)

select
    source,
    record_id,
    site,
    wave,
    indicator,
    dimension,
    level,
    scale as measure,
    effect as estimate,
    estimate_se,
    df,
    people::bigint as n,
    n_treatment::bigint as n_treatment,
    n_control::bigint as n_control,
    citation,
    case
        when estimate_se is not null then null
        when se is null and half_width is null then 'published without a standard error or an interval'
        when design = 'cluster_rct' then 'a cluster trial published without degrees of freedom: no standard error'
        else 'published without n or degrees of freedom: no standard error'
    end as why_no_error,
    case
        when is_unreadable then 'a number cannot be read'
        when effect is null then 'it has no effect'
        when citation is null then 'it cites no publication'
        when coalesce(scale <> effect_scale, true) then 'its scale is not that of the indicator, ' || effect_scale
        when told_level not between 50 and 99.9999 then 'its level is no confidence level in percent'
        when is_df_wrong or se <= 0 then 'a standard error or its degrees of freedom is not positive'
        when people < 2 or is_miscounted then 'its counts of people do not agree'
        when effect not between low and high or half_width <= 0 then 'the effect lies outside its interval'
        when (low is null) <> (high is null) then 'its interval has one end only'
        -- published numbers are rounded, and intervals may rest on other degrees of freedom
        when abs(half_width / (se * coalesce(quantile, 1.96)) - 1) > 0.25
            then 'its standard error and interval disagree'
    end as problem
from measured
