"""From a source's originals to the tables of its lake: the whole way of a row, in one readable order.

In: landed originals in the order of their export, and a folder. Out: tables of text as Parquet in that
folder, the quarantine among them, and `Reading`: what is in them, with counts that add up. Nothing is fetched
here, and nothing is written elsewhere; the result depends on the input alone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from ingestion import fates, keys
from ingestion.accept import mark_not_accepted
from ingestion.export_fault import ExportFault, closest
from ingestion.fates import FATE, FIELD, FILE, LINE, RECORD_ID
from ingestion.lake import QUARANTINE, stage
from ingestion.platforms import PLATFORMS
from ingestion.platforms.protocol import MAIN, Original, RawTable
from ingestion.privacy import (
    kept_columns,
    key_columns,
    pseudonym_columns,
    pseudonym_key,
    pseudonymises,
    question_columns,
)
from ingestion.programme.model import Programme, Source
from ingestion.receipt import Counts, LakeTable
from ingestion.stamps import TIME_IS_UNREADABLE, WHY_UNUSABLE, stamped

_QUARANTINE_SCHEMA = dict.fromkeys(("file", "line", "reason", "field", "record_id"), pl.String())


@dataclass(frozen=True)
class Reading:
    """What a source's originals hold; small, so that it can come from another process.

    Attributes:
        tables: The tables that were written, without the quarantine; none if the originals hold no row.
        counts: What became of the rows.
        columns_dropped: Columns that did not pass the door; those of a repeat as `repeat/column`.
        filled: The originals that hold at least one row.
        blank: The originals that hold none.
        notes: What whoever pulled them should know.
    """

    tables: list[LakeTable] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    columns_dropped: list[str] = field(default_factory=list)
    filled: list[Original] = field(default_factory=list)
    blank: list[Original] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_originals(
    programme: Programme, source: Source, originals: Sequence[Original], into: Path
) -> Reading:
    """Reads originals into the lake's tables, and writes these as `<table>.parquet`.

    Args:
        programme: The programme.
        source: The source.
        originals: Its originals, oldest export first.
        into: An empty folder.

    Raises:
        ExportFault: An original cannot be read, a key's column is missing, or no row is usable.
    """
    key = pseudonym_key(programme) if pseudonymises(programme, source) else b""
    parts: dict[str, list[pl.DataFrame]] = {}
    ragged: list[dict[str, str | None]] = []
    filled: list[Original] = []
    blank: list[Original] = []
    notes: list[str] = []
    seen: dict[str, set[str]] = {}
    for order, original in enumerate(originals):
        export = PLATFORMS[source.platform].read(original, source)
        tables = {name: table for name, table in export.tables.items() if table.columns}
        rows = sum(len(table.lines) + len(table.ragged) for table in tables.values())
        (filled if rows else blank).append(original)
        notes += [f"{original.name}: it holds no rows"] if not rows else []
        for name, table in tables.items():
            notes += [f"{table.file}: {table.note}"] if table.note else []
            if name == MAIN:
                _check_columns(source, table)
            seen.setdefault(name, set()).update(table.columns)
            parts.setdefault(name, []).append(stamped(programme, source, table, order, key))
            ragged += _ragged(table)
    if not filled:
        return Reading(filled=filled, blank=blank, notes=notes)
    _check_instrument(programme, source, seen, filled[0].name)
    frames = {name: pl.concat(frames, how="diagonal") for name, frames in parts.items()}
    marked = _marked(programme, source, frames)
    return replace(
        _reading(programme, source, marked, ragged, seen, filled[0].name, into),
        filled=filled,
        blank=blank,
        notes=notes,
    )


def _check_columns(source: Source, table: RawTable) -> None:
    columns = table.columns
    for key, column in key_columns(source).items():
        if column not in columns:
            raise ExportFault(
                table.file,
                f"{key} of source {source.source} names the column '{column}', which is not in the export"
                f"{closest(column, columns)}",
                f"correct {key} in sources.yml, or export the file again with that column",
            )


def _check_instrument(programme: Programme, source: Source, seen: dict[str, set[str]], file: str) -> None:
    if MAIN not in seen:
        raise ExportFault(
            file, "no file holds the form's own rows, only its repeats", "drop the form's own CSV too"
        )
    questions = question_columns(programme, source)
    columns = set().union(*seen.values())
    if questions and columns.isdisjoint(questions):
        raise ExportFault(
            file,
            f"none of the questions of instrument {source.instrument} is in the export, e.g. not "
            f"'{questions[0]}'{closest(questions[0], sorted(columns))}",
            "drop this form's export, or correct `question` in the instrument's items",
        )


def _marked(programme: Programme, source: Source, frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """All rows with their fates. The newest version of a record is settled before anything is left out."""
    main = _with_ids(frames[MAIN])
    unusable = pl.col(WHY_UNUSABLE)
    main = fates.mark(main, unusable.is_not_null(), fates.QUARANTINED, unusable, RECORD_ID)
    untimed = "its time of submission cannot be read; export it as ISO 8601, e.g. 2024-11-03T09:15:00"
    main = fates.mark(main, pl.col(TIME_IS_UNREADABLE), fates.QUARANTINED, untimed, keys.SUBMITTED_AT)
    main = fates.mark_replaced(main)
    main = keys.with_keys(main, source, pseudonym_columns(programme, source, main.columns))
    main = mark_not_accepted(main, source, programme.units.unique_in == "site")
    marked = {MAIN: main}
    for name in sorted(frames.keys() - {MAIN}):
        marked[name] = fates.mark_replaced(fates.follow_parents(_with_ids(frames[name]), main))
    return marked


def _with_ids(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows without a record id are quarantined: nothing tells them apart."""
    no_id = pl.col(RECORD_ID).str.strip_chars().fill_null("") == ""
    return fates.mark(fates.unmarked(frame), no_id, fates.QUARANTINED, "it has no record id", RECORD_ID)


def _ragged(table: RawTable) -> list[dict[str, str | None]]:
    return [
        {
            "file": table.file,
            "line": str(row.line),
            "reason": row.reason
            or f"the row has {row.cell_count} cells, the header has {row.expected_count}",
            "field": None,
            "record_id": None,
        }
        for row in table.ragged
    ]


def _reading(
    programme: Programme,
    source: Source,
    marked: dict[str, pl.DataFrame],
    ragged: list[dict[str, str | None]],
    seen: dict[str, set[str]],
    file: str,
    into: Path,
) -> Reading:
    tables: dict[str, pl.DataFrame] = {}
    dropped: list[str] = []
    set_aside = [pl.DataFrame(ragged, schema=_QUARANTINE_SCHEMA)]
    counted: Counter[str | None] = Counter({fates.QUARANTINED: len(ragged)})
    for name, frame in marked.items():
        kept = kept_columns(programme, source, seen[name])
        _check_case(file, kept)
        system = keys.system_columns(source) if name == MAIN else [RECORD_ID, keys.PARENT_ID]
        tables[name] = frame.filter(pl.col(FATE).is_null()).sort(RECORD_ID).select(*system, *kept)
        dropped += [
            column if name == MAIN else f"{name}/{column}" for column in sorted(seen[name] - set(kept))
        ]
        set_aside.append(_set_aside(frame))
        counted.update(dict(frame[FATE].value_counts().iter_rows()))
    quarantine = pl.concat(set_aside)
    if counted[fates.QUARANTINED] and not counted[None] and not counted[fates.NOT_ACCEPTED]:
        reason, count = Counter(quarantine["reason"]).most_common(1)[0]
        raise ExportFault(
            quarantine["file"][0],
            f"every row was set aside, {count} of them because {reason}",
            "mend the cause in the export or in sources.yml",
        )
    order = [pl.col("file"), pl.col("line").cast(pl.Int64), pl.col("reason")]
    tables[QUARANTINE] = quarantine.sort(order, nulls_last=True)
    counts = Counts(
        rows_read=counted.total(),
        rows_kept=counted[None],
        rows_replaced=counted[fates.REPLACED],
        rows_not_accepted=counted[fates.NOT_ACCEPTED],
        rows_quarantined=counted[fates.QUARANTINED],
    )
    written = {name: stage(table, into, name) for name, table in sorted(tables.items())}
    return Reading([table for name, table in written.items() if name != QUARANTINE], counts, dropped)


def _set_aside(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col(FATE).is_in([fates.QUARANTINED, fates.NOT_ACCEPTED])).select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).cast(pl.String).alias("line"),
        pl.col(fates.REASON).alias("reason"),
        pl.col(FIELD).str.strip_prefix("_sw_").alias("field"),
        pl.col(RECORD_ID).alias("record_id"),
    )


def _check_case(file: str, columns: list[str]) -> None:
    """SQL does not tell `Age` from `age`: of two such columns one would silently be read for the other."""
    by_lower: dict[str, str] = {}
    for column in columns:
        other = by_lower.setdefault(column.lower(), column)
        if other != column:
            raise ExportFault(
                file,
                f"the columns '{other}' and '{column}' differ in upper and lower case only",
                "keep one of them: leave the other out of items and privacy.keep, or rename it",
            )
