-- Units that had been measured by the date of the look at which an open analysis stands: all that they sent in the wave
-- was submitted by then. A unit that submitted again later is left out, since its latest record is the one that counts.
select
    s.analysis,
    m.wave,
    m.unit_key
from (
    select distinct
        analysis,
        wave,
        look_date
    from {{ ref('int_analysis_sites') }}
    where look is not null
) as s
inner join {{ ref('int_measurements') }} as m on s.wave = m.wave
inner join {{ ref('stg_records') }} as r on m.source = r.source and m.record_id = r.record_id
group by s.analysis, m.wave, m.unit_key, s.look_date
having bool_and(coalesce(r.submitted_at::date <= s.look_date, false))
order by s.analysis, m.wave, m.unit_key
