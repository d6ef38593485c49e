"""ODK Central: its API, its zip of CSVs, or these one by one, its OData, and Aggregate's exports before it.

Facts the reader rests on: `KEY` is the first instance id and stays through edits; a repeat's file has
`PARENT_KEY`, and its `KEY` reads `<submission>/<group>/<repeat>[n]`; metadata columns have been added at the
end over the years, so they are found by name; `Edits` counts a submission's edits, but no review, so that
there the later export decides.

Rule for short rows: exports of 2019 leave out the empty cells of the metadata columns at a row's end. A row
of the form's own table that is short by such columns only is filled with blanks; any other short row is not.

Bare files of one export are tied together by their names: `<form>.csv` and `<form>-<repeat>.csv`, or
`<form>.Submissions*.json`. A source in delta mode should drop zips: when an edit takes a row of a repeat
away, only a zip tells that from its absence.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path, PurePath

import polars as pl

from ingestion.definitions.field import Definition
from ingestion.export_fault import Encrypted, ExportFault
from ingestion.formats.archive import member_hashes, read_members
from ingestion.formats.delimited import TextTable, read_delimited
from ingestion.platforms.odk_central_api import ask
from ingestion.platforms.odk_central_media import media_named
from ingestion.platforms.odk_central_odata import read_odata, table_name
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

_MEDIA_FOLDER = "media"
_ENCRYPTED = ("not decrypted", "missing encrypted form data")
_REVIEWS = {
    "approved": "approved",
    "rejected": "rejected",
    "hasIssues": "has_issues",
    "edited": "pending",
    "received": None,
}


def read(original: Original, source: Source) -> RawExport:
    """Reads a zip, one bare CSV, or one body of OData into `main` and a table for every repeat.

    Raises:
        Encrypted: No submission in it is decrypted.
        ExportFault: It cannot be used.
    """
    data = original.path.read_bytes()
    if data.startswith(b"PK"):
        export = _read_zip(data, original, source)
    elif original.name.lower().endswith(".zip"):
        raise ExportFault(
            original.name, "it is not a zip archive", "export the submissions again as .csv.zip"
        )
    elif (start := data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]) in (b"{", b"["):
        export = _read_json(data, original)
    elif start == b"<":
        raise ExportFault(
            original.name,
            "it is the form's definition, or a page of the server, and holds no submissions",
            "drop the submissions as .csv.zip, and name the form under `definition` in the instrument",
        )
    else:
        name, text = _table(data, original.name, source.encoding)
        tied = PurePath(original.name).stem.removesuffix("" if name == MAIN else f"-{name}")
        export = RawExport({name: raw_table(original, text, _identity(text.columns), tied)})
    return _decrypted(export)


def define(path: Path) -> Definition:
    """Reads the form's XML, which a pull lands beside its data."""
    from ingestion.definitions.odk_xml import read_odk_xml

    return read_odk_xml(path)


def _read_zip(data: bytes, original: Original, source: Source) -> RawExport:
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
    return RawExport(
        tables, attachments=media_named(tables, member_hashes(data, original.name, _MEDIA_FOLDER))
    )


def _read_json(data: bytes, original: Original) -> RawExport:
    found = read_odata(data, original.name)
    export = original.name.partition(".Submissions")[0]
    tied = export if export != original.name else ""
    tables = {
        name: raw_table(original, text, _identity(text.columns), tied, parent=parent)
        for name, (text, parent) in found.tables.items()
    }
    if found.note and (name := next(iter(tables), None)):
        tables[name] = replace(tables[name], note=found.note)
    return RawExport(tables, gone=found.gone)


def _decrypted(export: RawExport) -> RawExport:
    """Refuses an export none of whose submissions is decrypted; a single one is a row without answers."""
    main = export.tables.get(MAIN)
    if main is None or "Status" not in main.columns or not len(main.lines):
        return export
    if main.cells.select(pl.col("Status").is_in(_ENCRYPTED).fill_null(False).all()).collect().item():
        raise Encrypted(
            main.file,
            "its submissions are encrypted, and none is decrypted",
            "name the form's passphrase: private_key: {env: NAME_OF_THE_VARIABLE} in connections.yml, or "
            "export them again with the passphrase",
        )
    return export


def _table(data: bytes, file: str, encoding: str) -> tuple[str, TextTable]:
    text = read_delimited(data, file, encoding=encoding, delimiters=(",",), may_lack=_TRAILING)
    columns = text.columns
    if columns and "KEY" not in columns:
        raise ExportFault(file, "it has no column KEY", "export the submissions from the server as .csv.zip")
    return (_repeat_name(text, file) if "PARENT_KEY" in columns else MAIN), text


def _repeat_name(text: TextTable, file: str) -> str:
    """A repeat's name: from its first row's path, else the end of the file's; `~n`: it is not alone."""
    stem = PurePath(file).stem
    path = text.cells.select(pl.col("KEY").drop_nulls().first()).collect().item()
    if not (isinstance(path, str) and re.search(r"/[^/\[\]]+\[\d+\]$", path)):
        return table_name([stem.rpartition("-")[2]])
    steps = re.sub(r"\[\d+\]", "", path).split("/")[1:]
    return table_name(steps, is_doubled=bool(re.search(r"~\d+$", stem)))


def _identity(columns: Collection[str]) -> Identity:
    parent = column_or_null(columns, "PARENT_KEY")
    edits = column_or_null(columns, "Edits").fill_null("").str.zfill(9)
    return Identity(
        record_id=column_or_null(columns, "KEY"),
        parent_record_id=parent,
        root_record_id=parent.str.extract(r"^([^/]*)"),
        submitted_at=column_or_null(columns, "SubmissionDate"),
        form_version=column_or_null(columns, "FormVersion"),
        version_order=edits,
        review=column_or_null(columns, "ReviewState").replace_strict(
            _REVIEWS, default=None, return_dtype=pl.String
        ),
        why_unusable=pl.when(column_or_null(columns, "Status").is_in(_ENCRYPTED)).then(
            pl.lit("the submission is encrypted; export it again with the form's passphrase")
        ),
    )
