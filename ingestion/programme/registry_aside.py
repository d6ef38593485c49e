"""Registry rows of what did not enter the lake as it came: rows set aside, and what logs of corrections did.

In: a programme and the home. Out: counts by source and reason, no key and no value. A question that is no
column of the lake is not named, since nobody knows what a log wrote there.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from ingestion.corrections.applying import CORRECTIONS
from ingestion.lake import QUARANTINE
from ingestion.programme.model import Programme
from ingestion.programme.registry_schemas import Row

_ASIDE = ("file", "reason", "field")
_CORRECTED = ("log", "question", "action", "state", "reason")


def aside_rows(programme: Programme, home: Path) -> dict[str, list[Row]]:
    """Rows of `quarantine` and `corrections`."""
    lakes = [(source.source, home / "lake" / source.source) for source in programme.sources]
    return {
        "quarantine": [row for source, lake in lakes for row in _counted(source, lake, QUARANTINE, _ASIDE)],
        "corrections": [row for source, lake in lakes for row in _corrected(source, lake)],
    }


def _counted(source: str, lake: Path, table: str, columns: tuple[str, ...]) -> Iterator[Row]:
    file = lake / f"{table}.parquet"
    if not file.exists():
        return
    rows = pq.read_table(file, columns=list(columns)).to_pylist()
    for told, count in Counter(tuple(row.values()) for row in rows).items():
        yield {"source": source, **dict(zip(columns, told, strict=True)), "row_count": count}


def _corrected(source: str, lake: Path) -> Iterator[Row]:
    if not (lake / f"{CORRECTIONS}.parquet").exists():
        return
    answers = (file for file in lake.glob("*.parquet") if not file.name.startswith("_"))
    known = {column for file in answers for column in pq.read_schema(file).names}
    counts: Counter[tuple[str | None, ...]] = Counter()
    for row in _counted(source, lake, CORRECTIONS, _CORRECTED):
        named = dict(row) | {"question": row["question"] if row["question"] in known else None}
        counts[tuple(named[column] for column in _CORRECTED)] += row["row_count"]
    for told, count in counts.items():
        yield {"source": source, **dict(zip(_CORRECTED, told, strict=True)), "row_count": count}
