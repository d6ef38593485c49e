"""The quarantine's rows, and the counts of all rows: what was not kept, where it stands, and why.

In: settled tables and the rows that could not be taken at all. Out: the quarantine's table, by file, line,
reason, field and record id; never a cell. Rows that were deleted or withdrawn leave only their count.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.platforms.protocol import RawTable
from ingestion.receipt import Counts
from ingestion.rows import fates
from ingestion.rows.fates import FATE, FIELD, FILE, LINE, RECORD_ID
from ingestion.rows.settling import Settled

_SCHEMA = dict.fromkeys(("file", "line", "reason", "field", "record_id"), pl.String())


def quarantine(aside: Sequence[pl.DataFrame], counts: Counts) -> pl.DataFrame:
    """The rows set aside, in order; raises ExportFault where these are all there are."""
    rows = pl.concat(aside)
    if counts.rows_read == counts.rows_quarantined + counts.rows_replaced:
        reason, count = Counter(rows["reason"]).most_common(1)[0]
        raise ExportFault(
            rows["file"][0],
            f"every row was set aside, {count} of them because {reason}",
            "mend the cause in the export or in sources.yml",
        )
    order = [pl.col("file"), pl.col("line").cast(pl.Int64), pl.col("reason")]
    return rows.sort(order, nulls_last=True)


def counted(marked: Iterable[pl.DataFrame], ragged_count: int, withdrawn_count: int = 0) -> Counts:
    """The counts of a reading, over all tables.

    Args:
        marked: Every table's marked rows.
        ragged_count: Rows that could not be taken at all.
        withdrawn_count: Rows of people who withdrew that had been taken out before.
    """
    total: Counter[str | None] = Counter({fates.QUARANTINED: ragged_count, fates.WITHDRAWN: withdrawn_count})
    for frame in marked:
        total[None] += frame[FATE].null_count()
        total.update(dict(frame[FATE].drop_nulls().value_counts().iter_rows()))
    return Counts(
        rows_read=total.total(),
        rows_kept=total[None],
        rows_replaced=total[fates.REPLACED],
        rows_not_accepted=total[fates.NOT_ACCEPTED],
        rows_quarantined=total[fates.QUARANTINED],
        rows_deleted=total[fates.DELETED],
        rows_withdrawn=total[fates.WITHDRAWN],
    )


def ragged(tables: Iterable[RawTable]) -> pl.DataFrame:
    """The rows that do not fit their table's header, or are no text."""
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
    return pl.DataFrame(rows, schema=_SCHEMA)


def set_aside(settled: Settled) -> pl.DataFrame:
    """The quarantined and not accepted rows of a table, with the file and line on which they stand."""
    pieces = [pl.DataFrame(schema=_SCHEMA)]
    first = 0
    for part in settled.parts:
        rows = settled.marked.slice(first, len(part.table.lines))
        first += rows.height
        if rows[FATE].null_count() < rows.height:
            place = [pl.lit(part.table.file).alias(FILE), part.table.lines.alias(LINE)]
            pieces.append(aside(rows.with_columns(place)))
    return pl.concat(pieces)


def aside(marked: pl.DataFrame) -> pl.DataFrame:
    """The quarantined and not accepted among marked rows that carry their file and line."""
    return marked.filter(pl.col(FATE).is_in([fates.QUARANTINED, fates.NOT_ACCEPTED])).select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).cast(pl.String).alias("line"),
        pl.col(fates.REASON).alias("reason"),
        pl.col(FIELD).str.strip_prefix("_sw_").alias("field"),
        pl.col(RECORD_ID).alias("record_id"),
    )
