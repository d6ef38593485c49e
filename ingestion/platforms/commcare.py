"""CommCare: forms from its API, and the exports that its site makes, as CSV, Excel or a zip of CSVs.

Facts the reader rests on: a form's id stays when the form is edited, and `edited_on` tells that it was; an
archived form is withdrawn from all reports and is read as deleted; both ways give the columns of CommCare's
own exports (`formid`, `form.group.question`, `completed_time`, `started_time`, `username`, `received_on`), so
that a programme may move from one to the other. A path that a form did not answer reads `---` in an export
[M], which is its blank. Sheets of repeats hold `number` (`0.2`: row 0, third entry), which ties rows within
one file only; their ids are made of the form's id and that place.

`pull.asset` is the form's XMLNS; where it is given, other forms in a body are left out. CommCare's API tells
no form definition: instruments are typed in YAML or by another definition.

In: one landed file. Out: `main`, a table for every repeat named by its path (`home.child`), and the ids of
archived forms. The API is `commcare_api`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.text import EXPORT_AGAIN
from ingestion.platforms.commcare_api import ask as ask
from ingestion.platforms.commcare_json import (
    FORM_ID,
    MAIN,
    PARENT_ROW,
    ROW,
    TooDeep,
    form_tables,
    list_paths,
    parent_path,
    table_name,
)
from ingestion.platforms.commcare_sheets import read_sheets
from ingestion.platforms.protocol import (
    Identity,
    Original,
    RawExport,
    RawTable,
    column_or_null,
    no_definition,
    raw_table,
    record_or,
)
from ingestion.programme.model import Source

define = no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one body of the API, or one export of the site."""
    with original.path.open("rb") as file:
        head = file.read(64)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return _read_json(original, source)
    return RawExport(
        {
            table_name(path) if path else MAIN: raw_table(
                original,
                text,
                _identity(text.columns, source, path),
                file=f"{original.name}/{part}" if part else "",
                parent=_parent(parent),
            )
            for path, (part, parent, text) in read_sheets(original, source.encoding).items()
        }
    )


def _read_json(original: Original, source: Source) -> RawExport:
    forms, known = _forms(original)
    asset = source.pull.asset
    try:
        repeats = known | list_paths(forms)
        if asset:
            forms = [form for form in forms if _xmlns(form) == asset]
        living = [form for form in forms if form.get("archived") is not True]
        found = form_tables(living, repeats)
    except (TooDeep, RecursionError) as error:
        raise ExportFault(original.name, "a form in it nests deeper than forms do", EXPORT_AGAIN) from error
    tables: dict[str, RawTable] = {}
    for path, text in found.items():
        parent = _parent(parent_path(path, repeats))
        identity = _identity(text.columns, source, path)
        tables[table_name(path) if path else MAIN] = raw_table(original, text, identity, parent=parent)
    gone = frozenset(str(form["id"]) for form in forms if form.get("archived") is True and form.get("id"))
    return RawExport(tables, gone=gone, attachments=_attachments(living))


def _forms(original: Original) -> tuple[list[Mapping[str, Any]], frozenset[str]]:
    """The forms of a body, and the paths that its pull knew to be repeats."""
    try:
        body = json.loads(original.path.read_bytes(), parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise ExportFault(
            original.name, "it is not whole JSON, so it was cut off or is damaged", EXPORT_AGAIN
        ) from error
    known: list[str] = []
    if isinstance(body, dict) and "page" in body:
        known, body = list(body.get("repeats") or []), body["page"]
    forms = body.get("objects", [body]) if isinstance(body, dict) else body
    if not isinstance(forms, list) or not all(isinstance(form, dict) and "form" in form for form in forms):
        raise ExportFault(
            original.name,
            "it is JSON, but no list of CommCare forms",
            "drop a page of /api/form/v1/, or pull the form by API",
        )
    return forms, frozenset(known)


def _identity(columns: Sequence[str], source: Source, path: str) -> Identity:
    if path:
        return Identity(
            record_id=pl.concat_str([pl.col(FORM_ID), pl.col(ROW)]),
            parent_record_id=pl.concat_str([pl.col(FORM_ID), pl.col(PARENT_ROW).fill_null("")]),
            root_record_id=pl.col(FORM_ID),
        )
    return Identity(
        record_id=record_or(source, column_or_null(columns, FORM_ID)),
        submitted_at=column_or_null(columns, "received_on", "completed_time"),
        form_version=column_or_null(columns, "@version"),
        version_order=column_or_null(columns, "edited_on").fill_null(""),
    )


def _parent(path: str) -> str:
    return table_name(path) if path else MAIN


def _xmlns(form: Mapping[str, Any]) -> Any:
    answers = form["form"]
    return answers.get("@xmlns") if isinstance(answers, Mapping) else None


def _attachments(forms: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Files of the forms, without the forms' own XML; which question asked for one is not told."""
    rows = [
        (str(form.get("id") or ""), None, name, about.get("url") if isinstance(about, Mapping) else None)
        for form in forms
        for name, about in (form.get("attachments") or {}).items()
        if name != "form.xml"
    ]
    schema = dict.fromkeys(("record_id", "question", "name", "url"), pl.String())
    return pl.DataFrame(rows, schema=schema, orient="row")
