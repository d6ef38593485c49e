"""When the night runs: as programme.yml says, and running by default.

In: the programme's `nightly`. Out: one schedule.
"""

import dagster as dg

from orchestration.jobs import nightly
from orchestration.programmes import nightly_of
from orchestration.reap import reap_dead_runs
from orchestration.settings import Settings


def nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule; its tick first reaps dead runs, or one of them could keep the night in the queue."""
    when = nightly_of(settings)

    @dg.schedule(
        name="every_night",
        job=nightly,
        cron_schedule=when.cron,
        execution_timezone=when.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The night, at the hour that programme.yml names (field `nightly`).",
    )
    def every_night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        reap_dead_runs(context.instance)
        return dg.RunRequest()

    return every_night
