"""SurveyCTO: the WIDE CSV that its Desktop and server console write, and the wide JSON of its API.

Facts the reader rests on: `KEY` identifies a submission and stays when it is corrected on the server, and so
does its `SubmissionDate`: the newest export wins. Dates follow the machine that exported, without a zone; SIM
and device ids have up to 20 digits, so that only text keeps them. Repeats are numbered columns (`age_1`,
`age_2`), as many as the largest household has; since a question's own name may end so too, they stay columns
of `main` unless the instrument's form or the source's `repeats` tells of them. Their rows are then identified
by their place, `<KEY>/member[2]`. The JSON adds
`CompletionDate`, `review_status` and `review_quality`.

The words of `review_status` are known as approved, rejected and pending only [M: upper or lower case, and
`none` where the form is not reviewed]; any other word counts as not reviewed.

In: one landed file. Out: its rows as `main`, and the media that its cells name. The API is `surveycto_api`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.definitions.field import Definition
from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, read_delimited, text_table
from ingestion.formats.text import EXPORT_AGAIN
from ingestion.formats.wide_repeats import LINE, PARENT_ROW, ROW, fold_repeats, folded_columns
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    RawTable,
    column_or_null,
    raw_table,
    record_or,
)
from ingestion.platforms.surveycto_api import ask as ask
from ingestion.programme.model import Source

TIME_FORMATS = (
    "%b %d, %Y %I:%M:%S %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%b %d, %Y, %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
)
_REVIEWS = {"approved": "approved", "rejected": "rejected", "pending": "pending"}
_MEDIA_PATH = r"^media[\\/]([^\\/]+)$"
_MEDIA_URL = r"^https?://[^/]+/.*/attachments/([^/?]+)$"


def read(original: Original, source: Source) -> RawExport:
    """Reads one WIDE CSV, or one body of the API, into `main`."""
    with original.path.open("rb") as file:
        head = file.read(4096)
    if head.lstrip().startswith((b"[", b"{")):
        text = _json_table(original)
    else:
        _refuse_others(original.name, head)
        text = read_delimited(original.path, original.name, encoding=source.encoding, delimiters=(",",))
    if text.columns and "KEY" not in text.columns:
        raise ExportFault(
            original.name,
            "it has no column KEY: it is no export of a form, but perhaps a text audit or sensor stream from "
            "the media folder, or a dataset",
            "export the form in wide format (<form>_WIDE.csv), and drop no media",
        )
    status = column_or_null(text.columns, "review_status").str.strip_chars().str.to_lowercase()
    identity = Identity(
        record_id=record_or(source, column_or_null(text.columns, "KEY")),
        submitted_at=column_or_null(text.columns, "SubmissionDate"),
        time_formats=TIME_FORMATS,
        form_version=column_or_null(text.columns, "formdef_version"),
        version_order=pl.lit(""),
        review=status.replace_strict(_REVIEWS, default=None, return_dtype=pl.String),
    )
    record = source.keys.record.column if source.keys.record else "KEY"
    attachments = _attachments(text, record) if text.columns else None
    tables = {MAIN: raw_table(original, text, identity)}
    if source.repeats and text.columns:
        tables = _folded(original, text, identity, source)
    return RawExport(tables, attachments=attachments)


def define(path: Path) -> Definition:
    """Reads the XLSForm behind a form, or the XForm that is snapshot with every pull by API."""
    from ingestion.definitions.odk_xml import read_odk_xml
    from ingestion.definitions.xlsform import read_xlsform

    return read_odk_xml(path) if path.suffix.lower() == ".xml" else read_xlsform(path)


def _folded(original: Original, text: TextTable, identity: Identity, source: Source) -> dict[str, RawTable]:
    """The form's own rows and, from their numbered columns, the rows of its repeats."""
    questions = {name: repeat.questions for name, repeat in source.repeats.items()}
    within = {name: repeat.within for name, repeat in source.repeats.items() if repeat.within}
    numbered = folded_columns(text.columns, questions, within)
    # Under its own name, so that what hides it in the form's own rows hides it here.
    root = source.keys.record.column if source.keys.record else "KEY"
    cells = text.cells.select(root, *sorted(numbered)).collect()
    own = [column for column in text.columns if column not in numbered]
    main = replace(text, cells=text.cells.select(own), columns=tuple(own))
    tables = {MAIN: raw_table(original, main, identity)}
    for name, rows in fold_repeats(cells, questions, within).items():
        place = rows[LINE]
        child = rows.drop(LINE).with_columns(cells[root].gather(place))
        row = Identity(
            record_id=pl.col(root) + pl.col(ROW),
            parent_record_id=pl.col(root) + pl.col(PARENT_ROW).fill_null(""),
            root_record_id=pl.col(root),
        )
        tables[name] = raw_table(
            original,
            text_table(child, text.lines.gather(place)),
            row,
            parent=within.get(name, MAIN),
        )
    return tables


def _json_table(original: Original) -> TextTable:
    """The rows of an API body; numbers keep the digits they were written with."""
    try:
        rows = json.loads(
            original.path.read_bytes(), parse_float=str, parse_int=str, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError) as error:
        raise ExportFault(
            original.name, "it is not whole JSON, so it was cut off or is damaged", EXPORT_AGAIN
        ) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ExportFault(
            original.name,
            "it is JSON, but no list of submissions",
            "drop the body of /api/v2/forms/data/wide/json/<form>, or pull the form by API",
        )
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if nested := [name for name in columns if any(isinstance(row.get(name), list | dict) for row in rows)]:
        raise ExportFault(
            original.name,
            f"it is not wide: {len(nested)} columns hold lists or objects, e.g. '{nested[0]}'",
            "pull the form by API version 2, or export it in wide format",
        )
    return text_table(pl.DataFrame([_column(name, rows) for name in columns]))


def _column(name: str, rows: Iterable[Mapping[str, Any]]) -> pl.Series:
    cells = (row.get(name) for row in rows)
    texts = [str(cell).lower() if isinstance(cell, bool) else cell or None for cell in cells]
    return pl.Series(name, texts, dtype=pl.String)


def _attachments(text: TextTable, record: str) -> pl.DataFrame | None:
    """The media that cells name: a path in a CSV, an address in the API's JSON."""
    # Few columns name media, and a cell of its own for every other answer would take much room.
    is_media = pl.all().str.contains(_MEDIA_PATH) | pl.all().str.contains(_MEDIA_URL)
    naming = text.cells.select(is_media.any()).collect(engine="streaming")
    columns = [name for name in naming.columns if naming[name].item()]
    if not columns:
        return None
    named = (
        text.cells.unpivot(columns, index=record, variable_name="question", value_name="cell")
        .with_columns(
            path=pl.col("cell").str.extract(_MEDIA_PATH), address=pl.col("cell").str.extract(_MEDIA_URL)
        )
        .filter(pl.col("path").is_not_null() | pl.col("address").is_not_null())
    )
    return named.select(
        record_id=record,
        question="question",
        name=pl.coalesce("path", "address"),
        url=pl.when(pl.col("address").is_not_null()).then("cell"),
    ).collect()


def _refuse_others(file: str, head: bytes) -> None:
    """Refuses what often lies beside a form's export, by what it is."""
    if head.startswith(b"PK") or head.startswith(b"\xd0\xcf\x11\xe0"):
        raise ExportFault(
            file,
            "it is an Excel workbook: a form's XLSForm or a list, since SurveyCTO exports answers as CSV",
            "name an XLSForm under `definition:` of the instrument, and give a table in Excel a source of "
            "its own with platform: excel",
        )
    if head.startswith(b"<stata_dta>") or file.lower().endswith(".dta"):
        raise ExportFault(
            file,
            "it is a Stata file",
            "give it a source of its own with platform: stata, or drop the WIDE CSV",
        )
