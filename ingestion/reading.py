"""From a source's originals to the tables of its lake: the whole way of a row, in one readable order.

In: landed originals in the order of their export, and a folder. Out: tables of text as Parquet in that
folder, the quarantine among them, and `Reading`: what is in them, with counts that add up. Nothing is fetched
here, and nothing is written elsewhere; the result depends on the input alone.

Two passes: the first reads the few columns that tell rows apart and settles the fate of every row; the second
streams the rows that are kept from the originals to the lake, so that they are never all in memory.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from ingestion import fates, keys
from ingestion.accept import accept_marks, date_marks, mark_later_rows_of_units
from ingestion.aggregate_reading import read_aggregates
from ingestion.export_fault import ExportFault, closest
from ingestion.export_order import moments
from ingestion.fates import FATE, FIELD, FILE, LINE, ORDER, PARENT, RECORD_ID, ROOT, Deletions
from ingestion.lake import QUARANTINE, stage
from ingestion.platforms import PLATFORMS
from ingestion.platforms.protocol import MAIN, Original, RawTable
from ingestion.privacy import (
    kept_columns,
    key_columns,
    pseudonym_key,
    pseudonymises,
    question_columns,
)
from ingestion.programme import aggregates
from ingestion.programme.model import Programme, Source
from ingestion.receipt import Counts, LakeTable
from ingestion.stamps import TIME_IS_UNREADABLE, WHY_UNUSABLE, Part, mark_column, stamped

# Tables of more rows stay in the order of export and line, since sorting them would need all rows at once.
SORTED_ROWS = 200_000
_IS_KEPT = "_sw_is_kept"
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


@dataclass
class _Found:
    """What the originals hold, original by original."""

    tables: dict[str, list[tuple[RawTable, int]]] = field(default_factory=dict)
    gone: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    living: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    filled: list[Original] = field(default_factory=list)
    blank: list[Original] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def columns(self, name: str) -> set[str]:
        return {column for table, _ in self.tables[name] for column in table.columns}


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
    at = moments(originals)
    found = _found(source, originals, at)
    if not found.filled:
        return Reading(filled=found.filled, blank=found.blank, notes=found.notes)
    if source.role in aggregates.ROLES:
        reading = _aggregates(source, found, into)
    else:
        _check_instrument(programme, source, found)
        reading = _rows(programme, source, found, at, into)
    return replace(reading, filled=found.filled, blank=found.blank, notes=found.notes)


def _found(source: Source, originals: Sequence[Original], at: Sequence[int]) -> _Found:
    found = _Found()
    for order, original in enumerate(originals):
        export = PLATFORMS[source.platform].read(original, source)
        found.gone += [(at[order], export.gone)] if export.gone else []
        found.living += [(at[order], export.living)] if export.living is not None else []
        tables = {name: table for name, table in export.tables.items() if table.columns}
        is_filled = any(len(table.lines) or table.ragged for table in tables.values())
        (found.filled if is_filled else found.blank).append(original)
        says_nothing = not is_filled and not export.gone and export.living is None
        found.notes += [f"{original.name}: it holds no rows"] if says_nothing else []
        for name, table in tables.items():
            found.notes += [f"{table.file}: {table.note}"] if table.note else []
            if name == MAIN and source.role not in aggregates.ROLES:
                _check_columns(source, table)
            found.tables.setdefault(name, []).append((table, order))
    return found


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


def _check_instrument(programme: Programme, source: Source, found: _Found) -> None:
    file = found.filled[0].name
    if MAIN not in found.tables:
        raise ExportFault(
            file, "no file holds the form's own rows, only its repeats", "drop the form's own CSV too"
        )
    questions = question_columns(programme, source)
    columns = set().union(*map(found.columns, found.tables))
    if questions and columns.isdisjoint(questions):
        raise ExportFault(
            file,
            f"none of the questions of instrument {source.instrument} is in the export, e.g. not "
            f"'{questions[0]}'{closest(questions[0], sorted(columns))}",
            "drop this form's export, or correct `question` in the instrument's items",
        )


def _rows(programme: Programme, source: Source, found: _Found, at: Sequence[int], into: Path) -> Reading:
    """Settles every table's rows, the form's own first and a repeat after its parents', and writes them."""
    key = pseudonym_key(programme) if pseudonymises(programme, source) else b""
    exports: dict[str, int] = {}
    parts: dict[str, list[Part]] = {}
    marked: dict[str, pl.DataFrame] = {}
    parents: dict[str, str] = {}
    for name in _parents_first(found):
        stamps = []
        for table, order in found.tables[name]:
            export = exports.setdefault(table.export or f"#{order}", len(exports))
            stamps.append(stamped(programme, source, name, table, order, export, key))
        parts[name] = [part for part, _ in stamps]
        frame = _with_ids(pl.concat([narrow for _, narrow in stamps], how="diagonal"))
        del stamps
        if name == MAIN:
            marked[name] = _marked(programme, source, frame, Deletions(found.gone, found.living), at)
        else:
            parents[name] = _parent(found, name)
            # Repeats of the form itself hang on the submission's id, which stands in every platform's export.
            hangs_on = ROOT if parents[name] == MAIN else PARENT
            frame = fates.follow_parents(frame, marked[parents[name]], hangs_on)
            marked[name] = fates.mark_replaced(frame)
    columns = {name: kept_columns(programme, source, found.columns(name)) for name in parts}
    for kept in columns.values():
        _check_case(found.filled[0].name, kept)
    aside = [_ragged(table for table, _ in found.tables[name]) for name in marked]
    aside += [_set_aside(parts[name], frame) for name, frame in marked.items()]
    counted = _counted([fates.counted(frame) for frame in marked.values()], found)
    quarantine = _quarantine(aside, counted)
    tables = []
    for name in sorted(parts):
        frame = marked.pop(name)
        rows, count = _kept(source, name, parts[name], frame, columns[name])
        del frame
        tables.append(stage(rows, into, name, count, parents.get(name)))
    stage(quarantine.lazy(), into, QUARANTINE, quarantine.height)
    dropped = [
        column if name == MAIN else f"{name}/{column}"
        for name in parts
        for column in sorted(found.columns(name) - set(columns[name]))
    ]
    return Reading(tables, _counts(counted), dropped)


def _aggregates(source: Source, found: _Found, into: Path) -> Reading:
    """Writes the one table of a source that sends no rows of people."""
    tables = [table for table, _ in found.tables[MAIN]]
    read = read_aggregates(source, tables)
    counted = _counted([fates.counted(read.marked)], found)
    quarantine = _quarantine([_ragged(tables), _aside(read.marked)], counted)
    written = stage(read.kept.lazy(), into, MAIN, read.kept.height)
    stage(quarantine.lazy(), into, QUARANTINE, quarantine.height)
    known = {column.column for column in source.columns.values()} | {*aggregates.COLUMNS[source.role]}
    return Reading([written], _counts(counted), sorted(found.columns(MAIN) - known))


def _parents_first(found: _Found) -> list[str]:
    """The form's own table, then repeats by name, each after the table that holds its parents."""
    names = [MAIN]
    waiting = sorted(found.tables.keys() - {MAIN})
    while waiting:
        ready = [name for name in waiting if _parent(found, name) in names]
        names += ready
        # Of repeats that name each other as parents, none can come first.
        if not ready:
            raise ValueError("repeats are each other's parents")
        waiting = [name for name in waiting if name not in ready]
    return names


def _parent(found: _Found, name: str) -> str:
    """The table that holds a repeat's parents; the form's own where that table is in no export."""
    parent = found.tables[name][-1][0].parent
    return parent if parent in found.tables else MAIN


def _marked(
    programme: Programme, source: Source, main: pl.DataFrame, deletions: Deletions, at: Sequence[int]
) -> pl.DataFrame:
    """The form's own rows with their fates; the newest version is settled before any is left out."""
    if WHY_UNUSABLE in main.columns:
        unusable = pl.col(WHY_UNUSABLE)
        main = fates.mark(main, unusable.is_not_null(), fates.QUARANTINED, unusable, RECORD_ID)
    if TIME_IS_UNREADABLE in main.columns:
        untimed = "its time of submission cannot be read; export it as ISO 8601, e.g. 2024-11-03T09:15:00"
        main = fates.mark(main, pl.col(TIME_IS_UNREADABLE), fates.QUARANTINED, untimed, keys.SUBMITTED_AT)
    moment = main[ORDER].replace_strict(dict(enumerate(at)), return_dtype=pl.Int64)
    main = fates.mark_gone(main, deletions, moment)
    main = fates.mark_replaced(main)
    key_marks = list(keys.key_marks(source))
    marks = [*key_marks, *accept_marks(source)]
    told = [replace(mark, where=pl.col(mark_column(place))) for place, mark in enumerate(marks)]
    for mark in (*told[: len(key_marks)], *date_marks(source), *told[len(key_marks) :]):
        main = fates.mark(main, mark.where, mark.fate, mark.reason, mark.field)
    if source.first_per_unit:
        main = mark_later_rows_of_units(main, source.first_per_unit, programme.units.unique_in == "site")
    return main


def _with_ids(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows without a record id are quarantined: nothing tells them apart."""
    no_id = pl.col(RECORD_ID).str.strip_chars().fill_null("") == ""
    return fates.mark(fates.unmarked(frame), no_id, fates.QUARANTINED, "it has no record id", RECORD_ID)


def _kept(
    source: Source, name: str, parts: Sequence[Part], marked: pl.DataFrame, columns: Sequence[str]
) -> tuple[pl.LazyFrame, int]:
    """A table's kept rows, not yet read, with their columns in the lake's order; and their number."""
    settled = [RECORD_ID, keys.SUBMITTED_AT] if name == MAIN else [RECORD_ID, PARENT]
    system = keys.system_columns(source) if name == MAIN else [RECORD_ID, PARENT]
    none = pl.lit(None, dtype=pl.String)
    beside = marked.select(*settled, pl.col(FATE).is_null().alias(_IS_KEPT))
    count = int(beside[_IS_KEPT].sum())
    pieces = []
    first = 0
    for part in parts:
        own = beside.slice(first, len(part.table.lines))
        first += own.height
        there = {*part.table.columns, *(column for column in system if column not in settled)}
        cells = part.rows.select(
            (pl.col(column) if column in there and column != PARENT else none.alias(column))
            for column in (*system, *columns)
            if column not in settled
        )
        rows = pl.concat([own.lazy(), cells], how="horizontal", strict=True)
        pieces.append(rows if own[_IS_KEPT].all() else rows.filter(_IS_KEPT))
    rows = pl.concat(pieces).select(*system, *columns)
    return (rows.sort(RECORD_ID) if count <= SORTED_ROWS else rows), count


def _counted(counts: Iterable[Mapping[str | None, int]], found: _Found) -> Counter[str | None]:
    total: Counter[str | None] = Counter()
    for each in counts:
        total.update(each)
    total[fates.QUARANTINED] += sum(
        len(table.ragged) for tables in found.tables.values() for table, _ in tables
    )
    return total


def _counts(counted: Counter[str | None]) -> Counts:
    return Counts(
        rows_read=counted.total(),
        rows_kept=counted[None],
        rows_replaced=counted[fates.REPLACED],
        rows_not_accepted=counted[fates.NOT_ACCEPTED],
        rows_quarantined=counted[fates.QUARANTINED],
        rows_deleted=counted[fates.DELETED],
        rows_withdrawn=counted[fates.WITHDRAWN],
    )


def _quarantine(aside: Sequence[pl.DataFrame], counted: Counter[str | None]) -> pl.DataFrame:
    """The rows set aside, in order; raises ExportFault where these are all there are."""
    quarantine = pl.concat(aside)
    if not any(counted[fate] for fate in (None, fates.NOT_ACCEPTED, fates.DELETED, fates.WITHDRAWN)):
        reason, count = Counter(quarantine["reason"]).most_common(1)[0]
        raise ExportFault(
            quarantine["file"][0],
            f"every row was set aside, {count} of them because {reason}",
            "mend the cause in the export or in sources.yml",
        )
    order = [pl.col("file"), pl.col("line").cast(pl.Int64), pl.col("reason")]
    return quarantine.sort(order, nulls_last=True)


def _ragged(tables: Iterable[RawTable]) -> pl.DataFrame:
    rows = [
        {
            "file": table.file,
            "line": str(row.line),
            "reason": row.reason
            or f"the row has {row.cell_count} cells, the header has {row.expected_count}",
            "field": None,
            "record_id": None,
        }
        for table in tables
        for row in table.ragged
    ]
    return pl.DataFrame(rows, schema=_QUARANTINE_SCHEMA)


def _set_aside(parts: Sequence[Part], marked: pl.DataFrame) -> pl.DataFrame:
    """The rows that were quarantined or not accepted, with the file and line on which they stand."""
    pieces = [pl.DataFrame(schema=_QUARANTINE_SCHEMA)]
    first = 0
    for part in parts:
        rows = marked.slice(first, len(part.table.lines))
        first += rows.height
        if rows[FATE].null_count() < rows.height:
            place = [pl.lit(part.table.file).alias(FILE), part.table.lines.alias(LINE)]
            pieces.append(_aside(rows.with_columns(place)))
    return pl.concat(pieces)


def _aside(marked: pl.DataFrame) -> pl.DataFrame:
    return marked.filter(pl.col(FATE).is_in([fates.QUARANTINED, fates.NOT_ACCEPTED])).select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).cast(pl.String).alias("line"),
        pl.col(fates.REASON).alias("reason"),
        pl.col(FIELD).str.strip_prefix("_sw_").alias("field"),
        pl.col(RECORD_ID).alias("record_id"),
    )


def _check_case(file: str, columns: Sequence[str]) -> None:
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
