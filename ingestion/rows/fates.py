"""What becomes of every row: kept, replaced, deleted, withdrawn, not accepted or quarantined, and why.

In: frames of the few columns by which rows are told apart, in the order of their exports and lines. Out: the
same frames, marked. A row has one fate, the first that befell it, but for deletion and withdrawal, which go
before all others: of such rows nothing stays but the count. No row is ever dropped or moved here, so that the
counts add up and the cells, which are elsewhere, still stand beside their marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

RECORD_ID = "_sw_record_id"
FILE, LINE, EXPORT = "_sw_file", "_sw_line", "_sw_export"
ORDER, VERSION, ROOT, PARENT = "_sw_export_order", "_sw_version", "_sw_root_record_id", "_sw_parent_record_id"
FATE, REASON, FIELD = "_sw_fate", "_sw_reason", "_sw_field"
IS_WITHDRAWN = "_sw_is_withdrawn"
# The platform's own id where that of the lake is a pseudonym; never written.
PLAIN_ID = "_sw_plain_record_id"

QUARANTINED, NOT_ACCEPTED, REPLACED = "quarantined", "not_accepted", "replaced"
NO_PARENT = "no submission of this id is in the export"
DELETED, WITHDRAWN = "deleted", "withdrawn"
_PLACE = "_sw_place"


@dataclass(frozen=True)
class Mark:
    """A fate and the rows that it befalls; the reason names a column or a rule, never a value."""

    where: pl.Expr
    fate: str
    reason: str
    field: str


@dataclass(frozen=True)
class Deletions:
    """What exports said of records that are no more.

    Attributes:
        gone: Moment of an export and the ids that it says are deleted.
        living: Moment of an export and all ids that exist at it.
    """

    gone: Sequence[tuple[int, frozenset[str]]] = ()
    living: Sequence[tuple[int, frozenset[str]]] = ()


def unmarked(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds the columns of the fate, all NULL: kept so far."""
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in (FATE, REASON, FIELD))


def mark(frame: pl.DataFrame, where: pl.Expr, fate: str, reason: str | pl.Expr, field: str) -> pl.DataFrame:
    """Gives a fate to the rows of a condition that have none yet; NULL conditions do not hold."""
    hit = frame.select((pl.col(FATE).is_null() & where.fill_null(False)).alias("hit"))["hit"]
    if not hit.any():
        return frame
    text = pl.lit(reason) if isinstance(reason, str) else reason
    values = {FATE: pl.lit(fate), REASON: text, FIELD: pl.lit(field)}
    return frame.with_columns(
        pl.when(hit).then(value).otherwise(pl.col(name)).alias(name) for name, value in values.items()
    )


def mark_gone(frame: pl.DataFrame, deletions: Deletions, moments: pl.Series) -> pl.DataFrame:
    """Marks the records that are deleted or withdrawn, whatever else befell their rows.

    A record is deleted as of the last export that says so; one that a later export holds again is back, with
    the rows since. A list of the living tells nothing of the rows of its own moment, which may be younger
    than the list. A record is withdrawn when its newest row says so; then its older rows go with it.

    Args:
        frame: Rows of the form's own table.
        deletions: What exports said.
        moments: The moment of each row's export.
    """
    ids = frame[RECORD_ID]
    is_deleted = pl.repeat(False, frame.height, eager=True)
    plain = ids
    if PLAIN_ID in frame.columns:
        plain = frame.select(pl.coalesce(PLAIN_ID, RECORD_ID)).to_series()
        frame = frame.drop(PLAIN_ID)
    for moment, gone in deletions.gone:
        is_deleted |= plain.is_in(list(gone)).fill_null(False) & (moments <= moment)
    for moment, living in deletions.living:
        is_deleted |= ~plain.is_in(list(living)).fill_null(True) & (moments < moment)
    frame = _overridden(frame, is_deleted, DELETED)
    if IS_WITHDRAWN not in frame.columns:
        return frame
    says_so = frame.filter(pl.col(IS_WITHDRAWN).fill_null(False))[RECORD_ID].drop_nulls()
    asked = frame.filter(~is_deleted & pl.col(RECORD_ID).is_in(says_so.implode()))
    withdrawn = newest(asked).filter(pl.col(IS_WITHDRAWN).fill_null(False))[RECORD_ID]
    is_withdrawn = ~is_deleted & ids.is_in(withdrawn.implode()).fill_null(False)
    return _overridden(frame, is_withdrawn, WITHDRAWN)


def newest(frame: pl.DataFrame) -> pl.DataFrame:
    """The newest version of every record."""
    return _in_order(frame).unique(RECORD_ID, keep="last", maintain_order=True)


def mark_replaced(frame: pl.DataFrame) -> pl.DataFrame:
    """Marks all but the newest version of every record.

    Versions follow the platform's own order (its counter of edits, or the time of submission), then the
    order of the exports, then the line: the last wins.
    """
    if _are_distinct(frame[RECORD_ID]):
        return frame
    placed = frame.with_row_index(_PLACE)
    rivals = placed.filter(pl.col(FATE).is_null() & pl.col(RECORD_ID).is_duplicated())
    older = rivals[_PLACE].filter(~rivals[_PLACE].is_in(newest(rivals)[_PLACE].implode()))
    is_older = placed[_PLACE].is_in(older.implode())
    return mark(frame, pl.lit(is_older), REPLACED, "a newer version of the record exists", RECORD_ID)


def _are_distinct(ids: pl.Series) -> bool:
    """Whether surely no two ids are alike: no two of their hashes are, which order soon tells."""
    hashes = np.sort(ids.hash().to_numpy())
    return not (hashes[1:] == hashes[:-1]).any()


def mark_later_rows(
    frame: pl.DataFrame, order: Sequence[pl.Expr], within: Sequence[str], reason: str, field: str
) -> pl.DataFrame:
    """Marks as not accepted all but the first row of every group, NULLs last; NULL is no group."""
    placed = frame.with_row_index(_PLACE)
    grouped = placed.filter(pl.col(FATE).is_null(), *(pl.col(name).is_not_null() for name in within)).sort(
        *order, nulls_last=True, maintain_order=True
    )
    later = grouped.filter(~pl.struct(within).is_first_distinct())[_PLACE]
    is_later = placed[_PLACE].is_in(later.implode())
    return mark(frame, pl.lit(is_later), NOT_ACCEPTED, reason, field)


def follow_parents(children: pl.DataFrame, parents: pl.DataFrame, key: str) -> pl.DataFrame:
    """Gives the rows of a repeat the fate of the row they belong to, within the same export.

    Args:
        children: Rows of a repeat.
        parents: Rows of the table that holds their parents, marked.
        key: Column of the children that holds the id of the parent.
    """
    kept_first = pl.col(FATE).is_not_null()
    told = (
        parents.sort(kept_first, maintain_order=True)
        .unique([RECORD_ID, EXPORT], keep="first", maintain_order=True)
        .select(
            pl.col(RECORD_ID).alias(key),
            EXPORT,
            pl.col(FATE).alias("_sw_parent_fate"),
            pl.col(REASON).alias("_sw_parent_reason"),
            pl.lit(True).alias("_sw_has_parent"),
        )
    )
    joined = children.join(told, on=[key, EXPORT], how="left", maintain_order="left")
    for fate in (DELETED, WITHDRAWN):
        joined = _overridden(joined, (joined["_sw_parent_fate"] == fate).fill_null(False), fate)
    joined = mark(
        joined,
        pl.col("_sw_has_parent").is_null(),
        QUARANTINED,
        NO_PARENT,
        "PARENT_KEY",
    )
    for fate in (QUARANTINED, NOT_ACCEPTED, REPLACED):
        reason = pl.lit("its submission was left out: ") + pl.col("_sw_parent_reason")
        joined = mark(joined, pl.col("_sw_parent_fate") == fate, fate, reason, "PARENT_KEY")
    return joined.drop("_sw_parent_fate", "_sw_parent_reason", "_sw_has_parent")


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows by version, then as they stand: by export and line."""
    return frame.sort(VERSION, nulls_last=False, maintain_order=True) if VERSION in frame.columns else frame


def _overridden(frame: pl.DataFrame, where: pl.Series, fate: str) -> pl.DataFrame:
    if not where.any():
        return frame
    values: dict[str, str | None] = {FATE: fate, REASON: None, FIELD: None}
    return frame.with_columns(
        pl.when(where).then(pl.lit(value, dtype=pl.String)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )
