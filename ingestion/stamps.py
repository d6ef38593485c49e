"""What identifies a row: its record, version, export, file and line, stamped on it before files are joined.

In: one table of one original, with the platform's expressions. Out: its cells, identifiers already
pseudonymised, and the working columns that fates, keys and acceptance need.
"""

import polars as pl

from ingestion import keys
from ingestion.accept import IS_COMPLETE
from ingestion.fates import EXPORT, FILE, LINE, ORDER, RECORD_ID, ROOT, VERSION
from ingestion.formats.times import iso_time
from ingestion.platforms.protocol import RawTable
from ingestion.privacy import pseudonym_columns, pseudonymise
from ingestion.programme.model import Programme, Source
from ingestion.row_hash import row_hash

WHY_UNUSABLE, TIME_IS_UNREADABLE = "_sw_why_unusable", "_sw_time_is_unreadable"


def stamped(programme: Programme, source: Source, table: RawTable, order: int, key: bytes) -> pl.DataFrame:
    """A table's rows, pseudonymised, with the columns that identify row, version and export.

    Args:
        programme: The programme.
        source: The source.
        table: One table of one original.
        order: Rank of the original among the source's exports.
        key: Key of the pseudonyms, empty where there are none.
    """
    identity, none = table.identity, pl.lit(None, dtype=pl.String)
    hidden = pseudonym_columns(programme, source, table.columns)
    record = source.keys.record.column if source.keys.record else ""
    cells = pseudonymise(
        table.cells.collect(), hidden, key, as_written="" if record == source.keys.unit.column else record
    )
    submitted = none if identity.submitted_at is None else identity.submitted_at
    if source.keys.submitted_at:
        submitted = pl.col(source.keys.submitted_at.column)
    time = iso_time(submitted, identity.time_formats)
    version = time if identity.version_order is None else identity.version_order
    stamps = {
        RECORD_ID: row_hash(cells, key) if identity.record_id is None else identity.record_id,
        keys.PARENT_ID: identity.parent_record_id,
        ROOT: identity.root_record_id,
        keys.SUBMITTED_AT: time,
        keys.FORM_VERSION: identity.form_version,
        VERSION: version.fill_null(""),
        IS_COMPLETE: pl.lit(True) if identity.is_complete is None else identity.is_complete,
        WHY_UNUSABLE: identity.why_unusable,
        TIME_IS_UNREADABLE: submitted.str.strip_chars().ne("") & time.is_null(),
        FILE: pl.lit(table.file),
        LINE: table.lines,
        EXPORT: pl.lit(table.export or f"#{order}"),
        ORDER: pl.lit(order),
    }
    return cells.with_columns(
        (none if stamp is None else stamp).alias(name) for name, stamp in stamps.items()
    )
