"""The ledger of what was planted: every fault with its source, site, wave and count, and every file's rows.

In: entries from the modules that plant. Out: plain lists for `Truth`. Nothing is planted here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from ingestion.simulate import story


def source_of(platform: str, wave: str) -> str:
    """The source that carries a platform's interviews of a wave; two platforms carry every wave in one."""
    return f"{wave}_{platform}" if platform in ("kobo", "odk") else f"child_test_{platform}"


@dataclass
class Ledger:
    """What was planted and written so far."""

    sites: Sequence[story.Place]
    faults: list[dict[str, str | int]] = field(default_factory=list)
    files: list[dict[str, str | int]] = field(default_factory=list)

    def count(self, fault: str, rows: pl.DataFrame, weight: str | None = None) -> None:
        """Enters a fault once per site (where the interview was made) and wave of the rows that carry it.

        Args:
            fault: its name.
            rows: with columns found and wave.
            weight: column to sum instead of counting rows.
        """
        number = pl.len() if weight is None else pl.col(weight).sum()
        grouped = rows.group_by("found", "wave").agg(count=number).filter(pl.col("count") > 0)
        order = {wave: step for step, wave in enumerate(story.WAVES)}
        for found, wave, count in sorted(grouped.rows(), key=lambda row: (order[row[1]], row[0])):
            place = self.sites[found]
            self.enter(fault, source_of(place.platform, wave), place.site, wave, count)

    def enter(self, fault: str, source: str, site: str, wave: str, count: int) -> None:
        """Enters a fault once; `*` stands for every site or wave."""
        self.faults.append({"fault": fault, "source": source, "site": site, "wave": wave, "count": count})

    def wrote(self, source: str, path: str, rows: int) -> None:
        """Enters a file (path within the programme, a zip's entry after `!`) with its data rows."""
        self.files.append({"source": source, "path": path, "rows": rows})
