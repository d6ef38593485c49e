-- noqa: disable=LT02
-- Treatment minus control given what is adjusted for, with CR2 standard errors (HC2 where units are their own clusters)
-- and Satterthwaite degrees of freedom, in steps of the indicator: plugin adjusted_functions, from exact sums that are
-- moved to whole-number origins first, so that no offset costs a digit.
{%- set columns = adjustment_columns() %}
{%- set names = product_names(columns | length) %}
with origins as (
    select
        fit_id,
        {{ origin_of('y_0', 'x_0_0') }} as o_y
        {%- for column in columns %}
        {%- if column.has_origin %}
        , coalesce({{ origin_of('x_0_' ~ loop.index, 'x_0_0 - x_0_' ~ column.missing) }}, 0) as o_{{ loop.index }}
        {%- endif %}
        {%- endfor %},
        list_distinct([
            {%- for column in columns if column.name %}
            case when sum(x_0_0 - x_0_{{ column.missing }}) = 0 then {{ sql_text(column.declared) }} end
            {{- ',' if not loop.last }}
            {%- endfor %}
        ]::varchar[]) as unknown
    from {{ ref('int_adjusted_cells') }}
    group by fit_id
),

cells as (
    select
        c.fit_id,
        dense_rank() over (partition by c.fit_id order by c.block_id)::integer as block_number,
        dense_rank() over (partition by c.fit_id order by c.cluster_id)::integer as cluster_number,
        c.is_treated,
        c.is_later,
        list_value(
            {%- for name in names %}
            ({{ centred_product(name, columns) }})::double{{ ',' if not loop.last }}
            {%- endfor %}
        ) as products
    from {{ ref('int_adjusted_cells') }} as c
    inner join origins as o on c.fit_id = o.fit_id
    where c.x_0_0 > 0
),

listed as (
    select
        fit_id,
        {%- for column in ['block_number', 'cluster_number', 'is_treated', 'is_later', 'products'] %}
        list({{ column }} order by block_number, cluster_number, is_treated, is_later) as {{ column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from cells
    group by fit_id
),

named as (
    select
        f.fit_id,
        f.adjustment,
        list(c.covariate order by c.covariate_order) as declared
    from {{ ref('int_fits') }} as f
    left join {{ source('registry', 'analysis_covariates') }} as c
        on
            f.analysis = c.analysis
            and (
                f.adjustment = 'ancova'
                or (f.adjustment = 'difference_in_differences' and c.covariate <> 'baseline')
            )
    where f.adjustment <> 'none'
    group by f.fit_id, f.adjustment
),

solved as (
    select
        n.fit_id,
        list_transform(
            list_filter(n.declared, lambda name: list_contains(o.unknown, name)),
            lambda name: name || ' (known of nobody)'
        ) as unknown,
        adjusted_effect(
            {%- if columns %}
            [
                {%- for column in columns %}
                {% if column.name -%}
                case
                    when
                        list_contains(n.declared, {{ sql_text(column.declared) }})
                        and not list_contains(o.unknown, {{ sql_text(column.declared) }})
                        then {{ sql_text(column.name) }}
                end
                {%- else %}null::varchar{% endif %}{{ ',' if not loop.last }}
                {%- endfor %}
            ],
            {%- else %}
            []::varchar[],
            {%- endif %}
            n.adjustment = 'repeated_cross_sections',
            l.block_number,
            l.cluster_number,
            l.is_treated,
            l.is_later,
            flatten(l.products)
        ) as effect
    from named as n
    left join listed as l on n.fit_id = l.fit_id
    left join origins as o on n.fit_id = o.fit_id
)

select
    fit_id,
    effect['estimate'] as beta,
    effect['estimate_se'] as beta_se,
    effect['df'] as df,
    effect['clusters_1'] as clusters_1,
    effect['clusters_0'] as clusters_0,
    effect['is_nested'] as is_nested,
    nullif(concat_ws(', ', nullif(array_to_string(unknown, ', '), ''), effect['dropped']), '') as dropped
from solved
order by fit_id
