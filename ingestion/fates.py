"""What becomes of every row: kept, replaced, not accepted or quarantined, with the reason and the field.

In: frames of rows with the system columns that a pull works with. Out: the same frames, marked. A row has one
fate, the first that befell it; none is ever dropped here, so that the counts add up.
"""

from collections.abc import Sequence

import polars as pl

RECORD_ID = "_sw_record_id"
FILE, LINE, EXPORT = "_sw_file", "_sw_line", "_sw_export"
ORDER, VERSION, ROOT = "_sw_export_order", "_sw_version", "_sw_root_record_id"
FATE, REASON, FIELD, PLACE = "_sw_fate", "_sw_reason", "_sw_field", "_sw_place"

QUARANTINED, NOT_ACCEPTED, REPLACED = "quarantined", "not_accepted", "replaced"


def unmarked(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds the columns of the fate, all NULL: kept so far."""
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in (FATE, REASON, FIELD))


def mark(frame: pl.DataFrame, where: pl.Expr, fate: str, reason: str | pl.Expr, field: str) -> pl.DataFrame:
    """Gives a fate to the rows of a condition that have none yet; NULL conditions do not hold."""
    hit = pl.col(FATE).is_null() & where.fill_null(False)
    text = pl.lit(reason) if isinstance(reason, str) else reason
    values = {FATE: pl.lit(fate), REASON: text, FIELD: pl.lit(field)}
    return frame.with_columns(
        pl.when(hit).then(value).otherwise(pl.col(name)).alias(name) for name, value in values.items()
    )


def mark_replaced(frame: pl.DataFrame) -> pl.DataFrame:
    """Marks all but the newest version of every record.

    Versions follow the platform's own order (its counter of edits, or the time of submission), then the
    order of the exports, then the line: the last wins.
    """
    frame = _with_place(frame.sort(RECORD_ID, VERSION, ORDER, LINE, nulls_last=False))
    is_older = pl.col(PLACE) < pl.col(PLACE).max().over(RECORD_ID)
    return mark(frame, is_older, REPLACED, "a newer version of the record exists", RECORD_ID)


def mark_later_rows(
    frame: pl.DataFrame, order: Sequence[pl.Expr], within: Sequence[str], reason: str, field: str
) -> pl.DataFrame:
    """Marks as not accepted all but the first row of every group, NULLs last; NULL is no group."""
    frame = _with_place(frame.sort(*order, nulls_last=True, maintain_order=True))
    is_later = pl.col(PLACE) > pl.col(PLACE).min().over(within)
    is_grouped = pl.all_horizontal(pl.col(name).is_not_null() for name in within)
    return mark(frame, is_grouped & is_later, NOT_ACCEPTED, reason, field)


def _with_place(frame: pl.DataFrame) -> pl.DataFrame:
    """Numbers the rows that have no other fate, in the frame's order; a column, since windows number anew."""
    return frame.with_columns(pl.when(pl.col(FATE).is_null()).then(pl.int_range(pl.len())).alias(PLACE))


def follow_parents(children: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """Gives the rows of a repeat the fate of the submission they belong to, within the same export."""
    kept_first = pl.col(FATE).is_not_null()
    parents = (
        main.sort(kept_first, maintain_order=True)
        .unique([RECORD_ID, EXPORT], keep="first", maintain_order=True)
        .select(
            pl.col(RECORD_ID).alias(ROOT),
            EXPORT,
            pl.col(FATE).alias("_sw_parent_fate"),
            pl.col(REASON).alias("_sw_parent_reason"),
            pl.lit(True).alias("_sw_has_parent"),
        )
    )
    joined = children.join(parents, on=[ROOT, EXPORT], how="left", maintain_order="left")
    joined = mark(
        joined,
        pl.col("_sw_has_parent").is_null(),
        QUARANTINED,
        "no submission of this id is in the export",
        "PARENT_KEY",
    )
    for fate in (QUARANTINED, NOT_ACCEPTED, REPLACED):
        reason = pl.lit("its submission was left out: ") + pl.col("_sw_parent_reason")
        joined = mark(joined, pl.col("_sw_parent_fate") == fate, fate, reason, "PARENT_KEY")
    return joined.drop("_sw_parent_fate", "_sw_parent_reason", "_sw_has_parent")
