"""ODK Central (and the Aggregate and Collect exports before it): a zip of CSVs, or its CSVs one by one.

Facts the reader rests on: `KEY` is the first instance id and stays through edits; a repeat's file has
`PARENT_KEY`, and its `KEY` reads `<submission>/<group>/<repeat>[n]`; metadata columns have been added at the
end over the years, so they are found by name; `Edits` counts a submission's edits.

Rule for short rows: exports of 2019 leave out the empty cells of the metadata columns at a row's end. A row
of the form's own table that is short by such columns only is filled with blanks; any other short row is not.

Bare CSVs of one export are tied together by their names, `<form>.csv` and `<form>-<repeat>.csv`. A source in
delta mode should drop zips: when an edit takes a row of a repeat away, only a zip tells that from its
absence.
"""

import re
from collections.abc import Collection
from pathlib import PurePath

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.archive import read_members
from ingestion.formats.delimited import TextTable, read_delimited
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    RawTable,
    column_or_null,
    no_api,
    no_definition,
    raw_table,
)
from ingestion.programme.model import Source

# What stands after KEY and the submitter in one release or another.
_TRAILING = (
    "AttachmentsPresent",
    "AttachmentsExpected",
    "Status",
    "ReviewState",
    "DeviceID",
    "Edits",
    "FormVersion",
)

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads a zip, or one bare CSV, into `main` and a table for every repeat."""
    data = original.path.read_bytes()
    if not data.startswith(b"PK"):
        if original.name.lower().endswith(".zip"):
            raise ExportFault(
                original.name, "it is not a zip archive", "export the submissions again as .csv.zip"
            )
        name, text = _table(data, original.name, source.encoding)
        export = PurePath(original.name).stem.removesuffix("" if name == MAIN else f"-{name}")
        return RawExport({name: raw_table(original, text, _identity(text.columns), export)})
    tables: dict[str, RawTable] = {}
    for member, content in read_members(data, original.name).items():
        file = f"{original.name}/{member}"
        name, text = _table(content, file, source.encoding)
        if name in tables:
            raise ExportFault(
                original.name,
                f"two of its files hold the table {name}: {tables[name].file} and {file}",
                "export one form at a time, and drop the archive as the server wrote it",
            )
        tables[name] = raw_table(original, text, _identity(text.columns), file=file)
    if MAIN not in tables:
        raise ExportFault(
            original.name,
            "no CSV in it holds the form's own rows",
            "export the submissions again as .csv.zip",
        )
    return RawExport(tables)


def _table(data: bytes, file: str, encoding: str) -> tuple[str, TextTable]:
    text = read_delimited(data, file, encoding=encoding, delimiters=(",",), may_lack=_TRAILING)
    columns = text.columns
    if columns and "KEY" not in columns:
        raise ExportFault(file, "it has no column KEY", "export the submissions from the server as .csv.zip")
    return (_repeat_name(text, file) if "PARENT_KEY" in columns else MAIN), text


def _repeat_name(text: TextTable, file: str) -> str:
    """A repeat's name: the last step of its first row's path, else the end of the file's name."""
    path = text.cells.select(pl.col("KEY").drop_nulls().first()).collect().item()
    match = re.search(r"/([^/\[\]]+)\[\d+\]$", path) if isinstance(path, str) else None
    name = match[1] if match else PurePath(file).stem.rpartition("-")[2]
    name = re.sub(r"[^\w.-]", "_", name)
    return f"{name}_repeat" if name == MAIN or name.startswith("_") else name


def _identity(columns: Collection[str]) -> Identity:
    parent = column_or_null(columns, "PARENT_KEY")
    edits = column_or_null(columns, "Edits").fill_null("").str.zfill(9)
    return Identity(
        record_id=column_or_null(columns, "KEY"),
        parent_record_id=parent,
        root_record_id=parent.str.extract(r"^([^/]*)"),
        submitted_at=column_or_null(columns, "SubmissionDate"),
        form_version=column_or_null(columns, "FormVersion"),
        version_order=edits + "|" + column_or_null(columns, "updatedAt").fill_null(""),
        why_unusable=pl.when(column_or_null(columns, "Status") == "not decrypted").then(
            pl.lit("the submission is encrypted; export it again with the form's passphrase")
        ),
    )
