"""Qualtrics: CSV or tab-separated text with two or three header rows, bare or zipped, by drop or by API.

Facts the reader rests on: the response's id is the record; its recording time does not move on an edit and no
cell counts edits, so that of two versions the later export's holds; `Finished` is `1` or `True`, in whatever
language; `Status` tells previews, test responses and spam from answers of people. The platform writes no form
version and no zone per row: times are those of the zone that was chosen for the export.

Columns are named as `qualtrics_header` says. Previews and spam are quarantined with that reason: nobody whom
the programme asked answered them. Generated test responses are taken and counted in a note. The codes of
`Status` were not seen on a live server; one that is unknown counts as an answer.
"""

from dataclasses import replace
from pathlib import PurePath

import polars as pl

from ingestion.definitions.qsf import read_qsf
from ingestion.export_fault import ExportFault
from ingestion.formats.archive import read_members
from ingestion.formats.delimited import TextTable, read_delimited
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    column_or_null,
    raw_table,
    record_or,
)
from ingestion.platforms.qualtrics_api import ask
from ingestion.platforms.qualtrics_header import Header, read_header
from ingestion.programme.model import Source

__all__ = ["ask", "define", "read"]

define = read_qsf

_PREVIEW = ("1", "17", "Survey Preview", "Offline Survey Preview")
_SPAM = ("8", "9", "12", "40", "Spam", "Survey Preview Spam", "Imported Spam", "EX Spam")
_GENERATED = ("2", "Survey Test")


def read(original: Original, source: Source) -> RawExport:
    """Reads one export, bare or as the only file of a zip, into `main`."""
    data, file = original.path.read_bytes(), original.name
    if data.startswith(b"PK"):
        members = read_members(data, file) | read_members(data, file, ".tsv")
        if len(members) != 1:
            raise ExportFault(
                file,
                f"it holds {len(members)} tables, where one export is expected",
                "drop one export of one survey at a time, as Qualtrics wrote it",
            )
        ((member, data),) = members.items()
        file = f"{original.name}/{PurePath(member).name}"
    header = read_header(data, file, source.encoding)
    text = read_delimited(header.data, file, delimiters=(header.delimiter,))
    table = raw_table(original, text, _identity(header, source), file=file)
    return RawExport({MAIN: replace(table, note=_note(header, text))})


def _note(header: Header, text: TextTable) -> str:
    """How many rows the platform made up itself; they are taken, since its codes were not seen live."""
    if "status" not in header.parts:
        return ""
    generated = pl.col(header.parts["status"]).is_in(_GENERATED).sum()
    count = text.cells.select(generated).collect().item()
    return f"{count} rows are generated test responses (Status 2)" if count else ""


def _identity(header: Header, source: Source) -> Identity:
    def part(*names: str) -> pl.Expr:
        return column_or_null(header.names, *(header.parts[name] for name in names if name in header.parts))

    status, finished = part("status"), part("finished").str.to_lowercase()
    return Identity(
        record_id=record_or(source, part("record")),
        submitted_at=part("recorded", "ended"),
        version_order=pl.lit(""),
        is_complete=finished.is_in(["1", "true"]).fill_null(True) if "finished" in header.parts else None,
        why_unusable=pl.when(status.is_in(_PREVIEW))
        .then(pl.lit("it is a preview of the survey, no answer"))
        .when(status.is_in(_SPAM))
        .then(pl.lit("the platform marks it as spam")),
    )
