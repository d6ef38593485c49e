"""Moments, published estimates and costs: from files' text tables to the lake's one table of each source.

In: a source that sends no rows of people, and the tables its platform read, oldest first. Out: rows under
Sitewise's own column names, every cell still text, keyed by the cell they describe, so that a corrected file
replaces what it corrects; and the rows set aside, with their reasons. A row that names no site, wave,
indicator or arm that can be placed is quarantined. Whether the numbers hold together is judged in the
warehouse, where it withholds; nothing is judged here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ingestion.export_fault import ExportFault, closest
from ingestion.platforms.protocol import RawTable
from ingestion.programme.aggregates import COLUMNS, KEY, NEEDED, REPEATED
from ingestion.programme.model import Column, Source
from ingestion.rows import fates
from ingestion.rows.fates import FATE, FIELD, FILE, LINE, ORDER, QUARANTINED, REASON, RECORD_ID, VERSION, mark
from ingestion.rows.keys import PARENT_ID, SITE_CODE, WAVE

_ALL = "all"
_NAMES = {"site": SITE_CODE, "wave": WAVE}


@dataclass(frozen=True)
class Aggregates:
    """What a source's files hold.

    Attributes:
        kept: The lake's table: system columns only, all String, sorted by record id.
        marked: Every row read, with its fate, reason, field, file and line.
    """

    kept: pl.DataFrame
    marked: pl.DataFrame


def read_aggregates(source: Source, tables: Sequence[RawTable]) -> Aggregates:
    """Reads the files of a source that sends no rows of people.

    Args:
        source: A source of moments, of estimates, or of a register's costs.
        tables: The one table of each original, oldest export first.

    Raises:
        ExportFault: A column that the role needs, or that `columns` names, is missing.
    """
    rows = pl.concat([_cells(source, table, order) for order, table in enumerate(tables)])
    rows = _placed(fates.unmarked(rows), source)
    key = [_said(word).fill_null("") for word in KEY[source.kind]]
    rows = rows.with_columns(pl.concat_str(key, separator="|").alias(RECORD_ID))
    if source.kind in REPEATED:
        rows = _numbered(rows)
    rows = fates.mark_replaced(rows)
    kept = rows.filter(pl.col(FATE).is_null()).sort(RECORD_ID)
    none = pl.lit(None, dtype=pl.String).alias(PARENT_ID)
    columns = [_name(word) for word in COLUMNS[source.kind]]
    marked = rows.select(RECORD_ID, FILE, LINE, FATE, REASON, FIELD)
    return Aggregates(kept.select(RECORD_ID, none, *columns), marked)


def _cells(source: Source, table: RawTable, order: int) -> pl.DataFrame:
    """One file's cells under Sitewise's names, text trimmed, blank NULL; maps are not applied yet."""
    found = {word: _column(source, word) for word in COLUMNS[source.kind]}
    for word, column in found.items():
        is_needed = word in NEEDED[source.kind] or word in source.columns
        if column.column not in table.columns and (is_needed or _is_told_by_file(source, word)):
            raise ExportFault(
                table.file,
                f"it has no column '{column.column}' for the {word} of source {source.source}"
                f"{closest(column.column, table.columns)}",
                f"name the column that holds it in sources.yml: columns: {{{word}: NAME}}",
            )
    none = pl.lit(None, dtype=pl.String)
    cells = table.cells.select(
        (_text(pl.col(column.column)) if column.column in table.columns else none).alias(_name(word))
        for word, column in found.items()
    )
    place = [pl.lit(table.file).alias(FILE), pl.lit(order).alias(ORDER), pl.lit("").alias(VERSION)]
    return cells.collect().with_columns(*place, table.lines.cast(pl.Int64).alias(LINE))


def _placed(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Applies the maps and the defaults, and marks the rows that no cell of the programme takes."""
    for word in COLUMNS[source.kind]:
        rows = _mapped(rows, word, _column(source, word))
    rows = rows.with_columns(_default(source, word).alias(_name(word)) for word in KEY[source.kind])
    if source.role == "moments":
        rows = mark(rows, _said("arm").is_null(), QUARANTINED, "it names no arm", "arm")
    if source.sites is None or len(source.sites) > 1:
        rows = mark(rows, _said("site").is_null(), QUARANTINED, "it names no site", "site")
    rows = mark(rows, _said("wave").is_null(), QUARANTINED, "it names no wave", "wave")
    if "indicator" not in KEY[source.kind]:
        return rows
    is_strange = ~_said("indicator").is_in(source.indicators).fill_null(False)
    return mark(rows, is_strange, QUARANTINED, "its indicator is not one that the source sends", "indicator")


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Tells rows of one key in one file apart by their place among them, so that none replaces another."""
    place = pl.int_range(1, pl.len() + 1).over(FILE, RECORD_ID).cast(pl.String)
    return rows.with_columns(pl.concat_str(RECORD_ID, place, separator="|").alias(RECORD_ID))


def _is_told_by_file(source: Source, word: str) -> bool:
    """Whether sources.yml leaves it to the rows to say."""
    return {
        "site": source.sites is None or len(source.sites) > 1,
        "wave": source.wave is None or source.wave.column is not None,
        "indicator": len(source.indicators) > 1,
    }.get(word, False)


def _column(source: Source, word: str) -> Column:
    if word == "wave" and source.wave is not None and source.wave.column:
        return Column(column=source.wave.column, map=dict(source.wave.map))
    return source.columns.get(word) or Column(column=word)


def _default(source: Source, word: str) -> pl.Expr:
    """A key's value: what the row says, else what sources.yml says of all its rows."""
    value = _said(word)
    if word in ("dimension", "level"):
        return value.fill_null(_ALL)
    if word == "site":
        return value.str.to_uppercase()
    if word == "wave" and source.wave is not None and source.wave.wave:
        return pl.lit(source.wave.wave)
    if word == "indicator" and len(source.indicators) == 1:
        return value.fill_null(source.indicators[0])
    return value


def _mapped(rows: pl.DataFrame, word: str, column: Column) -> pl.DataFrame:
    if column.map is None:
        return rows
    said = rows[_name(word)]
    words = said.replace_strict(
        list(column.map), list(column.map.values()), default=None, return_dtype=pl.String
    )
    is_strange = pl.lit(said.is_not_null() & words.is_null())
    reason = f"the value in column '{column.column}' is not in the map of columns.{word}"
    return mark(rows.with_columns(words), is_strange, QUARANTINED, reason, column.column)


def _said(word: str) -> pl.Expr:
    return pl.col(_name(word))


def _name(word: str) -> str:
    return _NAMES.get(word, f"_sw_{word}")


def _text(column: pl.Expr) -> pl.Expr:
    clean = column.str.strip_chars()
    return pl.when(clean != "").then(clean)
