"""LimeSurvey: the CSV of responses with question codes as headings, by drop or by API.

Facts the reader rests on: `id` is the response within one survey, so that a source is one survey's exports; a
blank `submitdate` is a response that was begun and not sent; `1980-01-01` stands for a date where the survey
keeps none (not seen on a live server: should it be a true date, the response merely has no time). Cells are
quoted, by `;` or `,`, after a byte order mark; a value that begins with `=` is written `'=`, which is taken
back. An empty survey writes one row of blanks, which is no response. The file ends in a blank line; where
that is missing the file may have been cut off between two rows, and a note says so. No cell counts edits: of
two versions the later export's holds. Times are the server's own, without a zone.
"""

from dataclasses import replace
from pathlib import Path

import polars as pl

from ingestion.definitions.field import Definition
from ingestion.definitions.lss import read_lss
from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, read_delimited
from ingestion.platforms.limesurvey_api import ask
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

__all__ = ["ask", "define", "read"]

_UNDATED = "1980-01-01"
_ENDINGS = (b"\r\n\r\n", b"\n\n")


def define(path: Path) -> Definition:
    """Reads an `.lss`, or the snapshot that a pull by API takes."""
    return read_lss(path)


def read(original: Original, source: Source) -> RawExport:
    """Reads one CSV into `main`."""
    text = read_delimited(original.path, original.name, encoding=source.encoding)
    if not text.columns:
        return RawExport({MAIN: raw_table(original, text, Identity())})
    if "id" not in text.columns:
        raise ExportFault(
            original.name,
            "it has no column id",
            "export the responses with question codes as headings, not texts, and with the response's id",
        )
    cells = text.cells.with_columns(pl.all().str.replace("^'=", "="))
    if len(text.lines) == 1 and cells.select("id").collect().item() is None:
        cells, text = cells.clear(), replace(text, lines=text.lines.clear())
    table = raw_table(original, replace(text, cells=cells), _identity(text, source))
    return RawExport({MAIN: replace(table, note=_note(original))})


def _identity(text: TextTable, source: Source) -> Identity:
    def dated(name: str) -> pl.Expr:
        time = column_or_null(text.columns, name)
        return pl.when(~time.str.starts_with(_UNDATED)).then(time)

    return Identity(
        record_id=record_or(source, pl.col("id")),
        submitted_at=pl.coalesce(dated("submitdate"), dated("datestamp"), dated("startdate")),
        version_order=pl.lit(""),
        is_complete=pl.col("submitdate").is_not_null() if "submitdate" in text.columns else None,
    )


def _note(original: Original) -> str:
    """Whether the writer's blank last line is missing from a file that is otherwise as it writes them."""
    with original.path.open("rb") as file:
        begins = file.read(4)
        file.seek(-min(4, original.path.stat().st_size), 2)
        ends = file.read()
    is_untouched = begins == b'\xef\xbb\xbf"'
    if is_untouched and not ends.endswith(_ENDINGS):
        return "its last line is not blank as LimeSurvey leaves it: rows may be missing at its end"
    return ""
