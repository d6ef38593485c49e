-- The one record that counts for each unit, wave and instrument: the latest complete one.
-- A unit belongs to the site of the randomised round before any other's.
with homes as (
    select
        unit_key,
        site
    from {{ ref('int_frame') }}
    qualify row_number() over (
        partition by unit_key order by {{ round_order('is_randomised', 'round') }}, round, wave nulls first
    ) = 1
)

select
    submissions.unit_key,
    submissions.wave,
    submissions.instrument,
    submissions.record_id,
    submissions.source,
    submissions.site as site_found,
    homes.unit_key is not null as is_in_frame,
    coalesce(submissions.site <> homes.site, false) as is_moved_site,
    submissions.submissions_count
from {{ ref('int_submissions') }} as submissions
left join homes on submissions.unit_key = homes.unit_key
where submissions.submission_rank = 1
