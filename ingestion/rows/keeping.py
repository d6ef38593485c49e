"""The rows of a table that are kept, as the lake has them: its columns in its order, and nothing else.

In: a settled table. Out: its kept rows, not yet read. What becomes of a row is decided elsewhere.
"""

from collections.abc import Sequence

import polars as pl

from ingestion.platforms.protocol import MAIN
from ingestion.programme.model import Source
from ingestion.rows import keys
from ingestion.rows.fates import FATE, PARENT, RECORD_ID
from ingestion.rows.settling import Settled
from ingestion.rows.stamps import Part

# Tables of more rows stay in the order of export and line, since sorting them would need all rows at once.
SORTED_ROWS = 200_000
_IS_KEPT = "_sw_is_kept"


def kept(source: Source, name: str, table: Settled, columns: Sequence[str]) -> tuple[pl.LazyFrame, int]:
    """A table's kept rows, not yet read, with their columns in the lake's order; and their number.

    Args:
        source: The source.
        name: The table's name.
        table: The table, settled.
        columns: Its columns that pass the door, in the lake's order.
    """
    order = _in_order(source, name, columns)
    first = kept_count = 0
    pieces = []
    for part in table.parts:
        marked = table.marked.slice(first, len(part.table.lines))
        first += marked.height
        kept_count += marked[FATE].null_count()
        is_whole = marked[FATE].null_count() == marked.height
        rows = _cells(part, order)
        if part.beside or not is_whole:
            beside = marked.select(*part.beside, pl.col(FATE).is_null().alias(_IS_KEPT))
            rows = pl.concat([beside.lazy(), rows], how="horizontal").filter(is_whole or pl.col(_IS_KEPT))
        pieces.append(rows.select(order))
    # What one export lacks altogether has no type there.
    rows = pl.concat(pieces, how="vertical_relaxed")
    return (rows.sort(RECORD_ID) if kept_count <= SORTED_ROWS else rows), kept_count


def all_rows(source: Source, name: str, part: Part, columns: Sequence[str]) -> pl.LazyFrame:
    """What `kept` gives of a table of one part, nothing beside, whose rows are many and all kept."""
    order = _in_order(source, name, columns)
    return _cells(part, order).select(order)


def _in_order(source: Source, name: str, columns: Sequence[str]) -> list[str]:
    return [*(keys.system_columns(source) if name == MAIN else [RECORD_ID, PARENT]), *columns]


def _cells(part: Part, order: Sequence[str]) -> pl.LazyFrame:
    """The columns that a part has in its rows, and NULL for those that it has nowhere."""
    there = {*part.rows.collect_schema().names()}
    none = pl.lit(None)
    return part.rows.select(
        pl.col(column) if column in there else none.alias(column)
        for column in order
        if column not in part.beside
    )
