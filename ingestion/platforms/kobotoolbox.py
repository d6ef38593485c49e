"""KoboToolbox: CSV exports with XML names, current (semicolon, all quoted) and legacy KoBoCAT (comma, `n/a`).

Facts the reader rests on: `meta/rootUuid` stays through edits while `_uuid` changes; `_submission_time` is
the time of creation; an optional row of HXL tags stands under the header; a CSV export leaves repeats out. In
the legacy variant a cell that reads `n/a` is the exporter's blank.
"""

from dataclasses import replace

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, read_delimited
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

_IDS = ("meta/rootUuid", "_uuid", "meta/instanceID")

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one CSV export into `main`."""
    text = read_delimited(original.path, original.name, encoding=source.encoding, delimiters=(";", ","))
    if not text.columns:
        return RawExport({MAIN: raw_table(original, text, Identity())})
    if "_parent_table_name" in text.columns:
        raise ExportFault(
            original.name,
            "it holds the rows of a repeat, which this exporter numbers anew in every export",
            "drop the form's own CSV export, without its repeats",
        )
    if not any(name in text.columns for name in _IDS):
        raise ExportFault(
            original.name,
            f"none of the columns {', '.join(_IDS)} is in the export, so submissions cannot be told apart",
            "export as CSV with XML values and headers, all versions, with the metadata columns",
        )
    text = _without_hxl(text)
    if text.delimiter == ",":
        cells = text.cells.select(pl.when(pl.all() != "n/a").then(pl.all()))
        text = replace(text, cells=cells)
    identity = Identity(
        record_id=record_or(source, column_or_null(text.columns, *_IDS).str.strip_prefix("uuid:")),
        submitted_at=column_or_null(text.columns, "_submission_time"),
        form_version=column_or_null(text.columns, "__version__", "_version_"),
    )
    return RawExport({MAIN: raw_table(original, text, identity)})


def _without_hxl(text: TextTable) -> TextTable:
    """Leaves out a first row of HXL tags: cells that begin with `#`, and no id of a submission."""
    head = text.cells.head(1).collect()
    if head.is_empty():
        return text
    first = head.row(0, named=True)
    filled = [cell for cell in first.values() if cell is not None]
    is_tags = bool(filled) and all(cell.startswith("#") for cell in filled)
    if not is_tags or any(first.get(name) for name in _IDS):
        return text
    return replace(text, cells=text.cells.slice(1), lines=text.lines.slice(1))
