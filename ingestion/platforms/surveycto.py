"""SurveyCTO: the WIDE CSV that its Desktop and server console write, repeats as numbered columns.

Facts the reader rests on: `KEY` identifies a submission; dates follow the machine that exported, without a
zone; SIM and device ids have up to 20 digits, so that only text keeps them.
"""

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import read_delimited
from ingestion.platforms.drops import fetch, list_originals
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    column_or_null,
    raw_table,
    record_or,
)
from ingestion.programme.model import Source

__all__ = ["fetch", "list_originals", "read"]

TIME_FORMATS = (
    "%b %d, %Y %I:%M:%S %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%b %d, %Y, %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
)


def read(original: Original, source: Source) -> RawExport:
    """Reads one WIDE CSV into `main`."""
    text = read_delimited(
        original.path.read_bytes(), original.name, encoding=source.encoding, delimiters=(",",)
    )
    if text.cells.columns and "KEY" not in text.cells.columns:
        raise ExportFault(
            original.name,
            "it has no column KEY",
            "export the form in wide format (<form>_WIDE.csv), and drop no media",
        )
    identity = Identity(
        record_id=record_or(source, column_or_null(text.cells, "KEY")),
        submitted_at=column_or_null(text.cells, "SubmissionDate"),
        time_formats=TIME_FORMATS,
        form_version=column_or_null(text.cells, "formdef_version"),
    )
    return RawExport({MAIN: raw_table(original, text, identity)})
