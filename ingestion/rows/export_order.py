"""The order of a source's exports, oldest first: it decides which version of a record is the newest.

In: originals in the order in which they were pulled (by name within a pull). Out: their rank and the newest
export's time. The times of files are not looked at: copying and unpacking change them.

Rule: where every original's name carries the platform's time of export (`2024-02-19-08-51-00`, as KoboToolbox
writes it, `2024-02-19_0851` as REDCap does), or the pull tells it, that time decides, then the name, then
the order of pulling; else the order of pulling alone.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

_TIME = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})[-_ T](\d{2})[-_:]?(\d{2})(?:[-_:]?(\d{2}))?(?!\d)")


def export_time(name: str) -> str | None:
    """The time of export that a file name carries, ISO 8601 without a zone, or None."""
    if not (match := _TIME.search(name)):
        return None
    day, hour, minute, second = match.groups()
    try:
        return datetime.fromisoformat(f"{day}T{hour}:{minute}:{second or '00'}").isoformat()
    except ValueError:
        return None


class Dated(Protocol):
    """Whatever has a name and perhaps a time of export: an original, landed or opened."""

    @property
    def name(self) -> str:
        """The name it landed under."""

    @property
    def exported_at(self) -> str | None:
        """Time of export, where its name does not tell."""


Original = TypeVar("Original", bound=Dated)


def in_export_order(originals: Sequence[Original]) -> list[Original]:
    """Originals by the time of export that they or their names carry, where all have one, else as they come.

    What was exported at the same time goes by name, and under one name as it was pulled: what came last
    corrects what came before.
    """
    times = [time_of(original) for original in originals]
    if not all(times):
        return list(originals)
    ranked = sorted(zip(times, originals, strict=True), key=lambda pair: (pair[0], pair[1].name))
    return [original for _, original in ranked]


def moments(originals: Sequence[Dated]) -> list[int]:
    """Ranks of the moments at which originals were exported, 0 the first: those of one pull share one.

    Args:
        originals: In the order of export.
    """
    times = [time_of(original) for original in originals]
    if not all(times):
        return list(range(len(originals)))
    ranks = {time: rank for rank, time in enumerate(sorted(set(times)))}
    return [ranks[time] for time in times]


def time_of(original: Dated) -> str:
    """When an original was exported, as its pull or its name tells; blank where neither does."""
    return original.exported_at or export_time(original.name) or ""
