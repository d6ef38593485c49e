-- What a site had cost by each wave: everything spent for that wave and those before it, since an effect was bought
-- by all that came before. Rows that cannot be counted are set aside and counted; rows of no known site stand at every
-- site, since any may lack them. Evaluation is what it cost to find out, and stands beside the total.
-- Sums of doubles run in the order of sources and records.
{%- set ordered = 'order by c.source, c.record_id' %}
with kept as (
    select count(*) as register_count
    from {{ source('registry', 'sources') }}
    where role = 'costs'
),

registers as (
    select
        s.site,
        w.wave,
        w.wave_order
    from {{ source('registry', 'sites') }} as s
    cross join {{ source('registry', 'waves') }} as w
    inner join kept on kept.register_count > 0
)

select
    r.site,
    r.wave,
    r.wave_order,
    {%- for name, condition in {
        'total_cost': "c.category <> 'evaluation'",
        'evaluation_cost': "c.category = 'evaluation'",
        'fixed_cost': "c.category <> 'evaluation' and c.behaviour = 'fixed'",
        'variable_cost': "c.category <> 'evaluation' and c.behaviour = 'variable'",
        'donated_cost': "c.category <> 'evaluation' and c.payment = 'donated'"
    }.items() %}
        sum(c.cost {{ ordered }}) filter (where c.problem is null and {{ condition }}) as {{ name }},
    {%- endfor %}
    max(c.participants) filter (where c.problem is null) as participants,
    count(*) filter (where c.problem is null) as row_count,
    count(*) filter (where c.problem is not null) as rows_set_aside,
    min(c.problem) as problem
from registers as r
left join {{ source('registry', 'waves') }} as w on r.wave_order >= w.wave_order
left join {{ ref('stg_costs') }} as c on w.wave = c.wave and (r.site = c.site or c.site is null)
group by r.site, r.wave, r.wave_order
order by r.site, r.wave
