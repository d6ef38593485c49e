-- Moments as sites sent them, one row per cell, read as numbers; `problem` says where a row contradicts itself.
{%- set cell = 'site, wave, indicator, dimension, level, arm' %}
{%- set numbers = ['n', 'mean', 'sd', 'events', 'exposure', 'effect_se', 'effect_df'] %}
with sent as (
    {{ aggregate_rows('moments', ['wave', 'indicator', 'dimension', 'level', 'arm', 'block', 'cluster'] + numbers) }}
),

placed as (
    select
        sent.*,
        site_codes.site,
        indicators.statistic,
        indicators.scale_min,
        indicators.scale_max,
        {%- for number in numbers %}
            {{ sent_decimal('sent.' ~ number) }} as {{ number }}_sent,
        {%- endfor %}
        {{ any_unreadable('sent', numbers) }} as is_unreadable
    from sent
    inner join {{ ref('stg_site_codes') }} as site_codes
        on sent.source = site_codes.source and sent.site_code = site_codes.site_code
    inner join {{ source('registry', 'indicators') }} as indicators on sent.indicator = indicators.indicator
),

counted as (
    select
        *,
        case when statistic = 'share' then coalesce(events_sent, round(mean_sent * n_sent / 100)) else events_sent end
            as events_counted,
        bool_or(cluster is null) over (partition by {{ cell }})
        and bool_or(cluster is not null) over (partition by {{ cell }})
        or bool_or(block is null) over (partition by {{ cell }})
        and bool_or(block is not null) over (partition by {{ cell }}) as is_mixed,
        count(distinct coalesce(effect_se, '') || '|' || coalesce(effect_df, '')) over (
            partition by site, wave, indicator, dimension, level
        ) > 1 as is_twofold
    from placed
)

select
    source,
    record_id,
    {{ cell }},
    upper(block) as block_id,
    upper(cluster) as cluster_id,
    n_sent as n,
    mean_sent as mean,
    sd_sent as sd,
    events_counted as events,
    exposure_sent as exposure,
    effect_se_sent::double as effect_se,
    effect_df_sent::double as effect_df,
    case
        when is_unreadable then 'a number cannot be read'
        when n_sent is null or n_sent < 1 or n_sent <> floor(n_sent) then 'n is no count of people'
        when is_mixed then 'rows of clusters or blocks stand beside a row of their total'
        when is_twofold then 'it sends two standard errors for one effect'
        when (effect_se_sent is null) <> (effect_df_sent is null)
            then 'a standard error and its degrees of freedom go together'
        when effect_se_sent <= 0 or effect_df_sent <= 0
            then 'a standard error or its degrees of freedom is not positive'
        when {{ is_quotient('statistic') }} and (events_sent is null or coalesce(exposure_sent, 0) <= 0)
            then 'a rate needs events and their exposure'
        when statistic = 'share' and (events_counted is null or events_counted not between 0 and n_sent)
            then 'a share needs events, from none to n, or a mean in percent'
        when statistic = 'share' and events_counted <> floor(events_counted) then 'events are no count of people'
        -- a mean that was rounded to one decimal lies up to half a tenth off
        when statistic = 'share' and abs(mean_sent - 100 * events_counted / n_sent) > 0.06
            then 'mean and events do not agree'
        when statistic <> 'share' and not ({{ is_quotient('statistic') }}) and mean_sent is null then 'it has no mean'
        when
            statistic <> 'share' and not ({{ is_quotient('statistic') }})
            and mean_sent not between scale_min and scale_max
            then 'the mean lies outside the scale'
        when sd_sent < 0 then 'a standard deviation is negative'
        when sd_sent > (scale_max - scale_min) then 'the standard deviation is wider than the scale'
    end as problem
from counted
