{#-
  Disclosure control: what may be shown of a small group of people. Estimates are always made from unsuppressed
  data; these macros only decide what leaves the house. Each reads the one row of the registry's programme table,
  which the calling query joins under the alias `programme`. A public programme is published exactly.
  A count of 1 to `min_cell` is hidden; any other is rounded to the nearest `round_to`, halves upwards; 0 stays 0.
-#}

{#- True where `n` people are too few to be counted in public. False for NULL: nothing known, nothing to hide. -#}
{% macro is_small(n) -%}
    (not programme.is_public and coalesce({{ n }} between 1 and programme.min_cell, false))
{%- endmacro %}

{#-
  True where a group is hidden: for its own sake (`primary`), or beside one that is, of the same `together` (columns whose
  groups add up to a total that is told). Of each such set the first in `order` are hidden until there are two of them,
  and until each of the `amounts` adds up to `round_to` over them: however exactly a sum is known, none of its parts is then
  known to within `round_to`. Groups of nobody (`n` of 0 or NULL) are no groups.
-#}
{% macro is_hidden_together(primary, n, together, order, amounts=none) -%}
    {%- set hides = '(' ~ primary ~ ')' -%}
    {%- set in_order = 'partition by ' ~ together ~ ' order by ' ~ hides ~ ' desc, coalesce(' ~ n ~ ', 0) > 0 desc, '
        ~ order -%}
    {%- set before = ') over (' ~ in_order ~ ' rows between unbounded preceding and 1 preceding)'
        ~ ' < programme.round_to' -%}
    (
        {{ hides }} or (
            not programme.is_public
            and coalesce({{ n }}, 0) > 0
            and bool_or({{ hides }}) over (partition by {{ together }})
            and (
                row_number() over ({{ in_order }}) <= 2
                or sum({{ (amounts or [n ~ ' - 1']) | join(before ~ ' or sum(') }}{{ before }}
            )
        )
    )
{%- endmacro %}

{#- True of a total, over its groups, from which a hidden group could be had: one alone, or too few people. -#}
{% macro is_total_hidden(is_hidden, n) -%}
    (
        not any_value(programme.is_public) and count_if({{ is_hidden }}) > 0 and (
            count_if({{ is_hidden }}) = 1
            or coalesce(sum({{ n }} - 1) filter (where {{ is_hidden }}), 0) < any_value(programme.round_to)
        )
    )
{%- endmacro %}

{#- The count as published: NULL where it is small or hidden beside one that is (`is_hidden`), else rounded. -#}
{% macro suppress_count(n, is_hidden='false') -%}
case
        when programme.is_public then {{ n }}
        when {{ is_small(n) }} or coalesce({{ is_hidden }}, false) then null
        else ({{ n }} + programme.round_to // 2) // programme.round_to * programme.round_to
    end::bigint
{%- endmacro %}

{#-
  True where a share of `n` people gives a hidden count away: `events` of them, or all the others, are 1 to
  `min_cell`; or it is a 0% or 100% of so few that no other share among them could have been published.
-#}
{% macro is_small_share(events, n) -%}
(
        not programme.is_public
        and coalesce(
            least({{ events }}, {{ n }} - {{ events }}) between 0.5 and programme.min_cell + 0.5
            or (least({{ events }}, {{ n }} - {{ events }}) < 0.5 and {{ n }} < 2 * (programme.min_cell + 1)),
            false
        )
    )
{%- endmacro %}

{#- True where a quantile of `n` people has so few of them beyond it that it gives away what one of them said. -#}
{% macro is_small_tail(quantile, n) -%}
    ({{ quantile }} is not null and coalesce({{ n }}, 0) > 0
        and {{ is_small('greatest(1, floor(' ~ n ~ ' * least(' ~ quantile ~ ', 1 - ' ~ quantile ~ ')))') }})
{%- endmacro %}

{#- A number of a row whose CTE has decided `is_suppressed`. -#}
{% macro unless_suppressed(number) -%}
    case when not is_suppressed then {{ number }} end
{%- endmacro %}

{#- Why a suppressed number is missing, in words. -#}
{% macro suppressed_words(whom='people') -%}
    'suppressed: fewer than ' || (programme.min_cell + 1)::varchar || ' {{ whom }}, or beside such a group'
{%- endmacro %}

{#-
  A verdict's reason without the counts and percentages it was measured on, which would give small counts away:
  `reads_range: 14.2% of 310 against at most 1%` becomes `reads_range: more than 1%`.
-#}
{% macro plain_reason(reason, is_met='false') -%}
    {%- set measured = '[-+.e0-9]+(%| percentage points| standard deviations)( of [0-9]+)? against ' -%}
case
        when programme.is_public then {{ reason }}
        when {{ is_met }} then regexp_replace({{ reason }}, '{{ measured }}', '', 'g')
        else regexp_replace(
            regexp_replace({{ reason }}, '{{ measured }}at most ', 'more than ', 'g'),
            '{{ measured }}at least ', 'less than ', 'g'
        )
    end
{%- endmacro %}

{#-
  Rows about a pool of sites, with what decides whether they are shown: a pool with one site too small is hidden whole.
  `more` are further columns of the select list, of `numbers`, each with its comma.
-#}
{% macro shown_with_pool(numbers, more='') -%}
select
        numbers.*,
        {{ more }}
        pools.comparability_class,
        pools.is_suppressed,
        {{ effect_unit('numbers.measure', 'indicators.unit') }} as effect_unit,
        {{ suppressed_words('people in an arm of a site') }} as suppressed_words
    from {{ numbers }} as numbers
    cross join {{ source('registry', 'programme') }} as programme
    inner join {{ source('registry', 'indicators') }} as indicators using (indicator)
    inner join {{ ref('int_suppressed_pools') }} as pools using (pool_id)
{%- endmacro %}

{#- Joins to `retention` what is hidden of the pool on each of its sides, as `<side>_pool`. -#}
{% macro with_hidden_pools(sides) -%}
    {%- for side in sides %}
    left join {{ ref('int_hidden_pools') }} as {{ side }}_pool
        on
            retention.analysis = {{ side }}_pool.analysis
            and retention.indicator = {{ side }}_pool.indicator
            and retention.wave = {{ side }}_pool.wave
            and retention.design_group = {{ side }}_pool.design_group
            and retention.measure = {{ side }}_pool.measure
            and {{ side }}_pool.stage = '{{ side }}'
            and {{ side }}_pool.dimension = 'all'
    {%- endfor %}
{%- endmacro %}
