with judged as (
    select
        numbers.*,
        {{ is_small('numbers.n') }} or {{ is_small('numbers.n_treatment') }} or {{ is_small('numbers.n_control') }}
            as is_small_arm,
        is_small_arm
        or {{ is_small_share('numbers.events', 'numbers.n') }}
        or {{ is_small_share('numbers.events_treatment', 'numbers.n_treatment') }}
        or {{ is_small_share('numbers.events_control', 'numbers.n_control') }} as is_hidden,
        numbers.site = 'network' as is_network,
        {{ suppress_count('numbers.n') }} as published_n,
        {{ suppressed_words('people in an arm') }} as suppressed_words,
        {{ plain_reason('numbers.reason') }} as plain_reason
    from {{ ref('int_validity_rows') }} as numbers
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'analyses') }} as analyses using (analysis)
    where analyses.level = 'site' or numbers.site = 'network'
),

-- What one site hides could be had from its stage's total less the others, and a stage's from the total of all.
counted as (
    select
        *,
        case
            when is_network then is_hidden
            else count(*) filter (where is_hidden and not is_network) over (
                partition by analysis, indicator, wave, stage, measure, estimator, split_part(subject, ':', 1)
            ) = 1
        end as is_telling
    from judged
),

protected as (
    select
        *,
        is_hidden or (is_network and coalesce(bool_or(is_telling) over (
            partition by
                analysis, indicator, wave, measure, estimator, split_part(subject, ':', 1),
                case when stage <> 'all' then stage end
        ), false)) or (is_network and stage = 'all' and bool_or(is_telling) over (
            partition by analysis, indicator, wave, measure, estimator, split_part(subject, ':', 1)
        )) as is_suppressed
    from counted
)

select
    analysis,
    indicator,
    wave,
    site,
    stage,
    measure,
    subject,
    estimator,
    unit,
    {{ unless_suppressed('value') }} as value,
    {{ unless_suppressed('value_se') }} as value_se,
    {{ unless_suppressed('df') }} as df,
    {{ unless_suppressed('value_low') }} as value_low,
    {{ unless_suppressed('value_high') }} as value_high,
    {{ unless_suppressed('p_value') }} as p_value,
    -- everybody less one arm is the other; a stage less its other sites is the one that is hidden
    case when not (is_small_arm or (is_network and is_suppressed)) then published_n end as n,
    band,
    state,
    coalesce(is_suppressed, false) as is_suppressed,
    case
        when is_small_arm then suppressed_words
        when is_suppressed then 'suppressed: a share that would give a small count away'
        when plain_reason is not null then plain_reason
        when value is not null and value_se is null then 'a number without a standard error of its own'
    end as why_missing
from protected
