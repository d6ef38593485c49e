"""What identifies a row: its record, version and export, stamped on it before files are joined.

In: one table of one original, with the platform's expressions. Out: `Part`: its rows, not yet read, with the
columns that the lake gives them; and, read, the few columns that tell rows apart and decide their fates.
Identifiers are pseudonymised, and places made coarse, before anything looks at them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import polars as pl

from ingestion.door.coarsening import coarsened, unreadable
from ingestion.door.privacy import coarse_columns, pseudonym_columns
from ingestion.door.pseudonyms import is_normalised, pseudonymise
from ingestion.formats.times import is_iso_time, iso_times
from ingestion.platforms.protocol import MAIN, RawTable
from ingestion.programme.model import Programme, Source
from ingestion.rows.accept import IS_COMPLETE, accept_marks, first_row_columns
from ingestion.rows.fates import EXPORT, IS_WITHDRAWN, ORDER, PARENT, PLAIN_ID, RECORD_ID, ROOT, VERSION
from ingestion.rows.found import Found
from ingestion.rows.keys import FORM_VERSION, REVIEW, SUBMITTED_AT, WITHDRAWN, key_marks, with_keys
from ingestion.rows.row_hash import row_hash

WHY_UNUSABLE, TIME_IS_UNREADABLE = "_sw_why_unusable", "_sw_time_is_unreadable"
_UNIT_IS_NORMAL, _TIME_IS_ISO = "_sw_unit_is_normal", "_sw_time_is_iso"
# Enough to see how ids and times are written.
_FIRST_ROWS = 1000


@dataclass(frozen=True)
class Part:
    """One table of one original.

    Attributes:
        rows: Its rows in the order of the original: cells, and system columns that a row alone decides.
        table: The table.
        order: Rank of the original among the source's exports.
        beside: System columns that are not in `rows`, since they took more than a look at one row.
    """

    rows: pl.LazyFrame
    table: RawTable
    order: int
    beside: tuple[str, ...] = ()


def mark_column(place: int) -> str:
    """The column that says which rows the mark at this place, among those that read cells, befalls."""
    return f"_sw_mark_{place}"


def stamped(
    programme: Programme,
    source: Source,
    name: str,
    table: RawTable,
    order: int,
    export: int,
    key: bytes,
    begin: Callable[[Part], None] | None = None,
) -> tuple[Part, pl.DataFrame]:
    """A table's rows, and the columns by which fates are decided, row by row in the same order.

    Args:
        programme: The programme.
        source: The source.
        name: The table's name.
        table: One table of one original.
        order: Rank of the original among the source's exports.
        export: Number of the export that the original belongs to.
        key: Key of the pseudonyms, empty where there are none.
        begin: Told, before all rows are looked at, which part this will be if all are as the first ones.
            Where it turns out so, that very object is returned.
    """
    identity, none = table.identity, pl.lit(None)
    hidden = pseudonym_columns(programme, source, table.columns)
    record = source.keys.record.column if source.keys.record else ""
    as_written = "" if record == source.keys.unit.column else record
    cells = pseudonymise(table.cells, hidden, key, as_written)
    rows = coarsened(cells, coarse_columns(programme, source, table.columns)).with_columns(
        (none if identity.form_version is None else identity.form_version).alias(FORM_VERSION),
        (none if identity.review is None else identity.review).alias(REVIEW),
        (pl.lit(True) if identity.is_complete is None else identity.is_complete).alias(IS_COMPLETE),
    )
    submitted = _submitted(source, table)
    told = {
        RECORD_ID: identity.record_id,
        PARENT: identity.parent_record_id,
        ROOT: identity.root_record_id,
        VERSION: None if identity.version_order is None else identity.version_order.fill_null(""),
        SUBMITTED_AT: submitted,
        _TIME_IS_ISO: None if submitted is None else is_iso_time(submitted),
    }
    asked: list[str] = []
    bare, unit = rows, source.keys.unit.column
    if name == MAIN:
        rows = with_keys(bare, source, hidden, identity.time_formats)
        told |= {_UNIT_IS_NORMAL: is_normalised(pl.col(unit))}
        marks = [*key_marks(source), *accept_marks(source)]
        told |= {mark_column(place): mark.where for place, mark in enumerate(marks)}
        told |= {WHY_UNUSABLE: identity.why_unusable, IS_WITHDRAWN: _is_withdrawn(source, table)}
        asked = first_row_columns(source)
    looked_at = rows.select(
        *(expression.alias(column) for column, expression in told.items() if expression is not None), *asked
    )

    @cache
    def part(is_normal: bool, is_iso: bool) -> Part:
        here = {RECORD_ID: identity.record_id, PARENT: identity.parent_record_id}
        rows = bare
        if name == MAIN:
            # Taken as it stands, as pseudonyms are: that costs less than normalising millions of normal ids.
            rows = with_keys(bare, source, {*hidden, unit} if is_normal else hidden, identity.time_formats)
            here |= {PARENT: None, SUBMITTED_AT: submitted if is_iso else None}
        seen = {column: expression for column, expression in here.items() if expression is not None}
        stamps = {RECORD_ID, SUBMITTED_AT} | ({PARENT} if identity.parent_record_id is not None else set())
        beside = tuple(column for column in here if column not in seen and column in stamps)
        rows = rows.with_columns(expression.alias(column) for column, expression in seen.items())
        return Part(rows, table, order, beside)

    def are_as_written(frame: pl.DataFrame) -> tuple[bool, bool]:
        is_normal = name == MAIN and bool(frame[_UNIT_IS_NORMAL].all())
        return is_normal, submitted is not None and bool(frame[_TIME_IS_ISO].all())

    if begin is not None:
        begin(part(*are_as_written(looked_at.head(_FIRST_ROWS).collect())))
    narrow = looked_at.collect(engine="streaming")
    if identity.record_id is None:
        # Rows that differ in their exact place alone are two rows.
        hashes = row_hash(cells, table.columns, key)
        narrow = narrow.with_columns(hashes.alias(RECORD_ID))
    elif name == MAIN and not set(hidden).isdisjoint(identity.record_id.meta.root_names()):
        # A platform tells deletions by its own ids, which are not those of the lake.
        plain = table.cells.select(identity.record_id.alias(PLAIN_ID)).collect(engine="streaming")
        narrow = narrow.with_columns(plain[PLAIN_ID])
    if narrow.height != len(table.lines):
        raise ValueError("a table has other rows than lines")
    is_normal, is_iso = are_as_written(narrow)
    narrow = _timed(narrow, table, is_iso)
    narrow = narrow.drop(_UNIT_IS_NORMAL, _TIME_IS_ISO, strict=False).with_columns(
        pl.lit(export, dtype=pl.UInt32).alias(EXPORT), pl.lit(order, dtype=pl.UInt32).alias(ORDER)
    )
    return part(is_normal, is_iso), narrow


def lost_places(programme: Programme, source: Source, found: Found) -> Iterator[str]:
    """Says of each column of places how many cells are none, and so stay out of the lake."""
    for name in found.tables:
        lost: Counter[str] = Counter()
        for table in found.of(name):
            lost.update(unreadable(table.cells, coarse_columns(programme, source, table.columns)))
        for column, count in lost.items():
            at = column if name == MAIN else f"{name}/{column}"
            yield f"{at}: {count} cells are no coordinates of a point, and were left out"


def _is_withdrawn(source: Source, table: RawTable) -> pl.Expr | None:
    """Whether the platform says so, or the column that `keys.withdrawn` names."""
    says = [] if table.identity.is_withdrawn is None else [table.identity.is_withdrawn]
    says += [pl.col(WITHDRAWN) == "yes"] if source.keys.withdrawn else []
    return pl.any_horizontal(says).fill_null(False) if says else None


def _submitted(source: Source, table: RawTable) -> pl.Expr | None:
    named = source.keys.submitted_at
    is_here = named is not None and named.column in table.columns
    return pl.col(named.column) if named and is_here else table.identity.submitted_at


def _timed(narrow: pl.DataFrame, table: RawTable, is_iso: bool) -> pl.DataFrame:
    """Times as ISO 8601 in place of those exported, and, where no version is told, as the version."""
    none = pl.lit(None, dtype=pl.String)
    if SUBMITTED_AT not in narrow.columns:
        version = [] if VERSION in narrow.columns else [pl.lit("").alias(VERSION)]
        return narrow.with_columns(none.alias(SUBMITTED_AT), *version)
    if not is_iso:
        times = iso_times(narrow[SUBMITTED_AT], table.identity.time_formats)
        lost = narrow.select(pl.lit(times).is_null() & pl.col(SUBMITTED_AT).str.strip_chars().ne(""))
        narrow = narrow.with_columns(times, lost.to_series().alias(TIME_IS_UNREADABLE))
    version = [] if VERSION in narrow.columns else [pl.col(SUBMITTED_AT).fill_null("").alias(VERSION)]
    return narrow.with_columns(version)
