"""Runs the real nightly job in this process, against the home's own Dagster instance.

In: settings. Out: what became of the night, in words fit for a terminal. The same job runs by the schedule;
what it does is the assets' matter.
"""

import errno
from dataclasses import dataclass, field
from pathlib import Path
from shutil import disk_usage
from typing import Any

from orchestration.settings import Settings


@dataclass(frozen=True)
class Night:
    """What became of a night.

    Attributes:
        state: published, unchanged_content, nothing_changed, awaits_approval or failed.
        run_id: Dagster's id of the run.
        message: where it failed, why and what to do.
        late_sources: state and message by source that failed or delivered nothing.
    """

    state: str
    run_id: str
    message: str = ""
    late_sources: dict[str, str] = field(default_factory=dict)


# With less than this left, whatever could not be written was not written for want of room.
_FULL_BYTES = 4_000_000


def run_night(settings: Settings) -> Night:
    """Runs the night; whatever goes wrong in it is told in the result."""
    try:
        return _run(settings)
    except Exception as error:
        # Where nothing can be written any more, Dagster cannot even record that a step has failed.
        if not _is_disk_full(settings.home, error):
            raise
        message = f"The disk of {settings.home} is full. Remedy: make room there, then run the night again."
        return Night("failed", "", message)


def _is_disk_full(home: Path, error: BaseException) -> bool:
    """Whether an error, or what was behind it, came of a full disk."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, OSError) and behind.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        behind = behind.__cause__ or behind.__context__
    return disk_usage(home).free < _FULL_BYTES


def _run(settings: Settings) -> Night:
    from dagster import DagsterInstance, execute_job, reconstructable

    from orchestration.definitions import nightly_job
    from orchestration.jobs import QUIET

    settings.prepare()
    with DagsterInstance.get() as instance:
        result = execute_job(reconstructable(nightly_job), instance=instance, run_config=QUIET)
        checks = result.get_asset_check_evaluations()
        late_sources = {
            source: str(value.value)
            for check in checks
            if check.check_name == "every_source_delivered"
            for source, value in check.metadata.items()
        }
        if not result.success:
            return Night("failed", result.run_id, _reason(result), late_sources)
        return Night(_state(result), result.run_id, "", late_sources)


def _state(result: Any) -> str:
    for event in result.get_asset_materialization_events():
        if event.asset_key is not None and event.asset_key.path[0] == "release":
            metadata = event.materialization.metadata
            return str(metadata["state"].value)
    return "nothing_changed"


def _reason(result: Any) -> str:
    """The first failure's own message, without the frames around it; a failed check is named."""
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.blocking:
            counts = ", ".join(f"{key} {value.value}" for key, value in check.metadata.items())
            return f"The check {check.check_name} on {check.asset_key.to_user_string()} failed ({counts})."
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None)
        if event.is_failure and error is not None:
            while error.cause is not None:
                error = error.cause
            return _without_class(error.message)
    return "The run ended without saying why; see the log."


def _without_class(message: str) -> str:
    """An exception's own words; a class's dotted name before them helps nobody."""
    head, colon, words = message.partition(": ")
    return (words if colon and "." in head and " " not in head else message).strip()
