"""The rows that a source's lake sets aside, one by one: where each stands, and why.

In: the home. Out: `SetAside`: rows of the quarantine, and rows of logs of corrections that were not applied.
Neither cells nor ids of records are told.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.corrections.applying import CORRECTIONS
from ingestion.lake import QUARANTINE, lake_path


@dataclass(frozen=True)
class SetAside:
    """One row that was set aside.

    Attributes:
        source: The source whose lake lacks it.
        file: The file in which it stands.
        line: Its line there, or blank.
        field: The column at fault, or blank where the row is.
        reason: Why, in words.
    """

    source: str
    file: str
    line: str
    field: str
    reason: str


def set_aside_rows(home: Path, sources: Iterable[str]) -> Iterator[SetAside]:
    """The rows that these sources set aside, in the order of file and line."""
    for source in sources:
        lake = lake_path(home, source)
        if lake is None:
            continue
        if (file := lake / f"{QUARANTINE}.parquet").exists():
            rows = pl.read_parquet(file, columns=["file", "line", "field", "reason"])
            for name, line, field, reason in rows.iter_rows():
                yield SetAside(source, name, line or "", field or "", reason)
        if (file := lake / f"{CORRECTIONS}.parquet").exists():
            listed = pl.read_parquet(file).filter(pl.col("state") == "listed")
            for name, line, reason in listed.select("file", "line", "reason").iter_rows():
                yield SetAside(source, name, line, "", f"correction not applied: {reason}")
