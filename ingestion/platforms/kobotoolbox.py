"""KoboToolbox: its API, its JSON, its CSV and XLSX exports with XML names, and those of the old KoBoCAT.

Facts the reader rests on: `meta/rootUuid` stays through edits while `_uuid` changes; `_submission_time` is
the time of creation and never moves, so that of two versions of a submission the later export has the newer;
an optional row of HXL tags stands under the header; a CSV export leaves repeats out, but the old one has them
side by side. In that legacy variant, told by its commas, a cell that reads `n/a` is the exporter's blank.

Exports with labels as headers or as answers: a header of labels is refused, since labels change with the
language and repeat; labels as answers cannot be told from codes and are read as they stand.
"""

from dataclasses import replace
from pathlib import Path

import polars as pl

from ingestion.definitions.field import Definition
from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, read_delimited
from ingestion.platforms.kobotoolbox_api import ask
from ingestion.platforms.kobotoolbox_json import read_submissions
from ingestion.platforms.kobotoolbox_repeats import (
    IDS,
    repeat_identity,
    split_wide,
    submission_id,
    tie_sheets,
)
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    RawTable,
    column_or_null,
    raw_table,
)
from ingestion.programme.model import Source

__all__ = ["ask", "define", "read"]

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_REVIEWS = {
    "validation_status_approved": "approved",
    "validation_status_not_approved": "rejected",
    "validation_status_on_hold": "on_hold",
    "Approved": "approved",
    "Not Approved": "rejected",
    "Not approved": "rejected",
    "On Hold": "on_hold",
    "On hold": "on_hold",
}


def read(original: Original, source: Source) -> RawExport:
    """Reads one body of the API or one export: `main`, and a table for every repeat that it holds."""
    with original.path.open("rb") as stream:
        head = stream.read(64)
    if head.startswith(_WORKBOOKS):
        return _read_workbook(original, source)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        found = read_submissions(original.path, original.name, source)
        tables = _tables(original, found.tables, source)
        return RawExport(tables, living=found.living, attachments=found.attachments)
    return _read_csv(original, source)


def define(path: Path) -> Definition:
    """Reads the form that a pull lands beside its data: the asset of the API as JSON."""
    from ingestion.definitions.xlsform import read_kobo_asset

    return read_kobo_asset(path)


def _read_csv(original: Original, source: Source) -> RawExport:
    text = read_delimited(original.path, original.name, encoding=source.encoding, delimiters=(";", ","))
    if not text.columns:
        return RawExport({MAIN: raw_table(original, text, Identity())})
    if "_parent_table_name" in text.columns and _is_filled(text, "_parent_table_name"):
        raise ExportFault(
            original.name,
            "it holds the rows of a repeat, which this exporter numbers anew in every export",
            "drop the form's own CSV export, without its repeats, or the XLSX export, which has both",
        )
    _check_names(text, source, original.name)
    text = _without_hxl(text)
    if text.delimiter == ",":
        cells = text.cells.select(pl.when(pl.all() != "n/a").then(pl.all()))
        text = replace(text, cells=cells)
    tables = _tables(original, split_wide(text, source), source)
    return RawExport(tables, lacks_repeats=set(tables) == {MAIN})


def _read_workbook(original: Original, source: Source) -> RawExport:
    from ingestion.formats.excel import read_workbook

    sheets = read_workbook(original.path, original.name)
    rows = {name: _without_hxl(sheet) for name, sheet in sheets.items()}
    tied = tie_sheets(rows, source, original.name) if rows else {}
    if MAIN in tied:
        _check_names(tied[MAIN][0], source, original.name)
    tables = _tables(original, tied, source)
    notes = "; ".join(f"sheet {name}: {sheet.note}" for name, sheet in sheets.items() if sheet.note)
    if notes:
        tables[MAIN] = replace(tables[MAIN], note=notes)
    return RawExport(tables)


def _tables(
    original: Original, tables: dict[str, tuple[TextTable, str]], source: Source
) -> dict[str, RawTable]:
    return {
        name: raw_table(
            original,
            text,
            _identity(text, source) if name == MAIN else repeat_identity(source),
            parent=parent,
        )
        for name, (text, parent) in tables.items()
    }


def _identity(text: TextTable, source: Source) -> Identity:
    review = column_or_null(text.columns, "_validation_status")
    return Identity(
        record_id=submission_id(text.columns, source),
        submitted_at=column_or_null(text.columns, "_submission_time"),
        form_version=column_or_null(text.columns, "__version__", "_version_"),
        review=review.replace_strict(_REVIEWS, default=None, return_dtype=pl.String),
    )


def _check_names(text: TextTable, source: Source, file: str) -> None:
    """Refuses tables whose submissions cannot be told apart, or whose header is of labels."""
    if not source.keys.record and not any(name in text.columns for name in IDS):
        raise ExportFault(
            file,
            f"none of the columns {', '.join(IDS)} is in the export, so submissions cannot be told apart",
            "export with XML values and headers, all versions, with the metadata columns, or name the "
            "submission's id under keys.record",
        )
    # Names of questions and groups hold no spaces, being those of XML; after the first / may stand a choice.
    steps = [(name, name.split("/")[0]) for name in text.columns if not name.startswith("(column ")]
    if labels := [name for name, step in steps if any(sign.isspace() for sign in step)]:
        raise ExportFault(
            file,
            f"{len(labels)} of its columns have labels for names; the form's own names hold no spaces",
            "export again with XML values and headers, not labels",
        )


def _is_filled(text: TextTable, column: str) -> bool:
    return bool(text.cells.select((pl.col(column).fill_null("n/a") != "n/a").any()).collect().item())


def _without_hxl(text: TextTable) -> TextTable:
    """Leaves out a first row of HXL tags: cells that begin with `#`, and no id of a submission."""
    head = text.cells.head(1).collect()
    if head.is_empty():
        return text
    first = head.row(0, named=True)
    filled = [cell for cell in first.values() if cell is not None]
    is_tags = bool(filled) and all(cell.startswith("#") for cell in filled)
    if not is_tags or any(first.get(name) for name in IDS):
        return text
    return replace(text, cells=text.cells.slice(1), lines=text.lines.slice(1))
