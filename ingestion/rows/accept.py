"""What a source accepts: dates, values of one column, reviews, complete rows, a unit's first row.

In: a source. Out: the marks by which rows that it leaves out are `not_accepted`, with the reason. Only the
newest version of a record is asked, so that an older one never comes back in its stead.
"""

from collections.abc import Iterator
from typing import get_args

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.programme.model import Source
from ingestion.programme.words import Review
from ingestion.rows.fates import NOT_ACCEPTED, RECORD_ID, Mark, mark_later_rows
from ingestion.rows.keys import ARM, DISPOSITION, REVIEW, SITE_CODE, SUBMITTED_AT, UNIT_ID

IS_COMPLETE = "_sw_is_complete"
_UNMARKED = ("csv", "excel", "spss", "stata", "json_lines", "parquet", "python_package")


def date_marks(source: Source) -> Iterator[Mark]:
    """The marks that read the time of submission."""
    accept = source.accept
    day = pl.col(SUBMITTED_AT).str.slice(0, 10)
    if accept.from_date or accept.to_date:
        reason = "it has no time of submission to compare with the accepted dates"
        yield Mark(day.is_null(), NOT_ACCEPTED, reason, SUBMITTED_AT)
    if accept.from_date:
        early = day < accept.from_date.isoformat()
        yield Mark(early, NOT_ACCEPTED, "submitted before the accepted dates", "accept.from")
    if accept.to_date:
        late = day > accept.to_date.isoformat()
        yield Mark(late, NOT_ACCEPTED, "submitted after the accepted dates", "accept.to")


def accept_marks(source: Source) -> Iterator[Mark]:
    """The marks that read cells, the platform's mark of completeness and its review."""
    accept = source.accept
    if accept.where:
        taken = pl.col(accept.where.column).str.strip_chars().is_in(accept.where.in_).fill_null(False)
        reason = f"the value in column '{accept.where.column}' is not among those accepted"
        yield Mark(~taken, NOT_ACCEPTED, reason, accept.where.column)
    for state in get_args(Review):
        if state not in accept.review:
            reason = f"its review says {state}"
            yield Mark(pl.col(REVIEW) == state, NOT_ACCEPTED, reason, "accept.review")
    if accept.complete_only:
        yield Mark(~_is_complete(source), NOT_ACCEPTED, "it is not complete", "accept.complete_only")


def first_row_columns(source: Source) -> list[str]:
    """The columns that `mark_later_rows_of_units` reads; none where every row of a unit is taken."""
    return [source.first_per_unit, ARM, UNIT_ID, SITE_CODE] if source.first_per_unit else []


def _is_complete(source: Source) -> pl.Expr:
    """By the mapped disposition if there is one, else by the platform's mark; NULL is not complete."""
    if source.keys.disposition is not None:
        return (pl.col(DISPOSITION) == "complete").fill_null(False)
    if source.platform in _UNMARKED:
        raise ExportFault(
            "sources.yml",
            f"source {source.source} accepts complete rows only, but {source.platform} does not mark them",
            "add keys.disposition with a map, or remove accept.complete_only",
        )
    return pl.col(IS_COMPLETE).fill_null(False)


def mark_later_rows_of_units(rows: pl.DataFrame, column: str, unit_is_per_site: bool) -> pl.DataFrame:
    """Marks all but a unit's first row, rows with an arm first; numbers are compared as numbers.

    Args:
        rows: Marked rows with the columns that `first_row_columns` names.
        column: The column whose order counts.
        unit_is_per_site: A unit's id is unique within its site only.
    """
    text = pl.col(column).str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    is_number = rows.select((text.is_null() | number.is_not_null()).all()).item()
    order = [pl.col(ARM).is_null(), number if is_number else text, pl.col(RECORD_ID)]
    unit = [UNIT_ID, SITE_CODE] if unit_is_per_site else [UNIT_ID]
    return mark_later_rows(rows, order, unit, "a later row of the same unit", column)
