"""Registry rows of what lies in the lake tonight: sources and receipts, tables, and which column feeds what.

In: a `Programme` and the home. Out: rows by table. Only schemas, row counts and the last submission are read.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.door.privacy import key_columns, pseudonym_columns
from ingestion.lake import PARENT_TABLE, QUARANTINE
from ingestion.landing import SERVED, latest_receipts, read_receipts
from ingestion.programme.model import DerivedItem, Programme, Source
from ingestion.programme.registry_schemas import Row
from ingestion.receipt import Receipt
from ingestion.rows.fates import NO_PARENT

_ROOT = "main"


def lake_rows(programme: Programme, home: Path) -> dict[str, list[Row]]:
    """Rows of the tables that depend on what was pulled; a source absent from the lake has no lake rows."""
    tables = [(source, path) for source in programme.sources for path in _lake_files(source, home)]
    return {
        "sources": list(_sources(programme, home)),
        "source_sites": [
            {"source": source.source, "site": site}
            for source in programme.sources
            for site in programme.source_sites(source)
        ],
        "source_waves": [
            {"source": source.source, "wave": wave} for source in programme.sources for wave in source.waves
        ],
        "source_keys": [
            {"source": source.source, "key": key} for source in programme.sources for key in source.keys.told
        ],
        "lake_tables": [_lake_table(source, path, home) for source, path in tables],
        "lake_columns": [row for source, path in tables for row in _lake_columns(programme, source, path)],
    }


def _lake_files(source: Source, home: Path) -> list[Path]:
    # Tables the lake keeps about itself, such as _quarantine, hold no answers.
    paths = (home / "lake" / source.source).glob("*.parquet")
    return sorted(path for path in paths if not path.name.startswith("_"))


def _lake_table(source: Source, path: Path, home: Path) -> Row:
    file = pq.read_metadata(path)
    parent = (file.metadata or {}).get(PARENT_TABLE.encode(), _ROOT.encode()).decode()
    return {
        "source": source.source,
        "lake_table": path.stem,
        "parent_table": None if path.stem == _ROOT else parent,
        "path": path.relative_to(home).as_posix(),
        "row_count": file.num_rows,
    }


def _lake_columns(programme: Programme, source: Source, path: Path) -> Iterator[Row]:
    columns = pq.read_schema(path).names
    keys = set(key_columns(source).values())
    # An id, or the pseudonym in its place, is no answer for its being asked in the form.
    named = (source.keys.unit, source.keys.record, source.keys.replaces)
    ids = {key.column for key in named if key} | set(pseudonym_columns(programme, source, columns))
    feeds: dict[str, list[tuple[str, int]]] = {}
    items = programme.instrument(source.instrument).items if source.instrument else {}
    for name, item in items.items():
        for preference, question in enumerate(item.question, start=1):
            if isinstance(item, DerivedItem) and question in ids:
                continue
            feeds.setdefault(question, []).append((name, preference))
    for order, column in enumerate(columns, start=1):
        row = {"source": source.source, "lake_table": path.stem, "column_name": column, "column_order": order}
        if column in feeds:
            for name, preference in feeds[column]:
                item_row = {"role": "item", "instrument": source.instrument, "item": name}
                yield row | item_row | {"preference": preference}
        else:
            is_read = column.startswith("_sw_") or column in keys
            yield row | {"role": "system" if is_read else "unmapped"}


def _sources(programme: Programme, home: Path) -> Iterator[Row]:
    receipts = latest_receipts(home)
    for source in programme.sources:
        receipt = receipts.get(source.source)
        yield {
            "source": source.source,
            "role": source.kind,
            "platform": source.platform,
            "instrument": source.instrument,
            "round": source.round,
            "is_randomised": source.is_randomised if source.is_frame else None,
            "mode": source.pull.mode,
            "frame": source.frame,
            "max_age_days": source.max_age_days,
            "earlier_row_count": _earlier_row_count(source, home),
            "orphan_count": _orphan_count(source, home),
            **_told(receipt),
            "input_hash": receipt.input_hash if receipt else None,
            "export_time": receipt.export_time if receipt else None,
            "last_submitted_at": _last_submitted_at(source, home),
        }


def _told(receipt: Receipt | None) -> Row:
    # Whether a pull found its input unchanged depends on when it ran; what lies in the lake is the same.
    if receipt is None or receipt.state in SERVED:
        return {"receipt_state": "landed" if receipt else None}
    return {"receipt_state": receipt.state, "receipt_message": receipt.message}


def _earlier_row_count(source: Source, home: Path) -> int | None:
    """Records that the lake held before what it holds now was landed; None where there was nothing."""
    landed = (one for one in read_receipts(home, source.source) if one.state == "landed")
    held = [
        next((table.row_count for table in one.tables if table.table == _ROOT), 0)
        for one in islice(landed, 2)
    ]
    return held[1] if len(held) == 2 else None


def _orphan_count(source: Source, home: Path) -> int:
    path = home / "lake" / source.source / f"{QUARANTINE}.parquet"
    if not path.exists():
        return 0
    reasons = pq.read_table(path, columns=["reason"]).column(0)
    return int(pc.sum(pc.equal(reasons, NO_PARENT)).as_py() or 0)


def _last_submitted_at(source: Source, home: Path) -> str | None:
    path = home / "lake" / source.source / f"{_ROOT}.parquet"
    if not path.exists() or "_sw_submitted_at" not in pq.read_schema(path).names:
        return None
    latest = pc.max(pq.read_table(path, columns=["_sw_submitted_at"]).column(0)).as_py()
    return None if latest is None else str(latest)
