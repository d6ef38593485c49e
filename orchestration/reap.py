"""Ends runs whose process is dead and frees the pool slots they held, so that none blocks the next night.

In: Dagster's storage. Out: the same, with dead runs marked. Safe at any time: only a process that no longer
exists is called dead. Who may write the home is lock.py's matter.
"""

import psutil
from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

UNFINISHED = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
MESSAGE = "The process of this run ended without a word (killed, or the machine went down)."


def reap_dead_runs(instance: DagsterInstance) -> list[str]:
    """Marks every unfinished run with a dead process as failed (or canceled), and frees its slots.

    Returns:
        The ids of the runs that were reaped.
    """
    dead = [run for run in instance.get_runs(RunsFilter(statuses=UNFINISHED)) if _is_dead(instance, run)]
    for run in dead:
        if run.status == DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, MESSAGE)
        else:
            instance.report_run_failed(run, MESSAGE)
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits:
        for run_id in storage.get_concurrency_run_ids():
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                storage.free_concurrency_slots_for_run(run_id)
    return [run.run_id for run in dead]


def _is_dead(instance: DagsterInstance, run: DagsterRun) -> bool:
    """True where the run named its process and that process is gone; without a name, monitoring decides."""
    named = False
    for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
        metadata = entry.get_dagster_event().engine_event_data.metadata
        if "pid" in metadata:
            named = True
            if _lives(int(str(metadata["pid"].value)), entry.timestamp):
                return False
    return named


def _lives(pid: int, seen_at: float) -> bool:
    """Whether the process seen at that time (seconds since 1970) still runs; ids are used again."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= seen_at + 1
    except psutil.NoSuchProcess:
        return False
