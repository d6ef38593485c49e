"""SurveyCTO: the WIDE CSV that its Desktop and server console write, repeats as numbered columns.

Facts the reader rests on: `KEY` identifies a submission; dates follow the machine that exported, without a
zone; SIM and device ids have up to 20 digits, so that only text keeps them.
"""

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import read_delimited
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    column_or_null,
    no_api,
    no_definition,
    raw_table,
    record_or,
)
from ingestion.programme.model import Source

TIME_FORMATS = (
    "%b %d, %Y %I:%M:%S %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%b %d, %Y, %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
)

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one WIDE CSV into `main`."""
    text = read_delimited(original.path, original.name, encoding=source.encoding, delimiters=(",",))
    if text.columns and "KEY" not in text.columns:
        raise ExportFault(
            original.name,
            "it has no column KEY",
            "export the form in wide format (<form>_WIDE.csv), and drop no media",
        )
    identity = Identity(
        record_id=record_or(source, column_or_null(text.columns, "KEY")),
        submitted_at=column_or_null(text.columns, "SubmissionDate"),
        time_formats=TIME_FORMATS,
        form_version=column_or_null(text.columns, "formdef_version"),
    )
    return RawExport({MAIN: raw_table(original, text, identity)})
