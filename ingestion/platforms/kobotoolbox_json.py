"""KoboToolbox's JSON: submissions as its API returns them, or a file of them that somebody saved.

In: one body. Out: text tables of the form's own rows and of its repeats, the files that answers name, or the
ids of the submissions that exist. What identifies a submission is `kobotoolbox`'s business.

Facts this rests on: keys are full group paths, as in a CSV export with groups in its headers; a question
that was not answered has no key, so the columns of a body are the union of its keys; a repeat is a list of
objects, whose keys are full paths again; a multiple choice is one text of codes with spaces between them; the
review is an object, of which `uid` is what a CSV export says; numbers are kept digit by digit.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, text_table
from ingestion.formats.header import checked_header
from ingestion.formats.text import EXPORT_AGAIN, decode
from ingestion.platforms.kobotoolbox_repeats import IDS, PARENT_ROW, ROW, record_column, repeat_name
from ingestion.platforms.protocol import MAIN
from ingestion.programme.model import Source

ATTACHMENTS = {"record_id": pl.String, "question": pl.String, "name": pl.String, "url": pl.String}
_FORM_KEYS = ("content", "deployed_versions", "deployment__links")


@dataclass
class Submissions:
    """What a body holds.

    Attributes:
        tables: Text tables with their parents' names, as in `kobotoolbox_repeats.tie_sheets`.
        attachments: Files that answers name; `protocol.RawExport.attachments`.
        living: Ids of all submissions that exist, where the body is that list.
    """

    tables: dict[str, tuple[TextTable, str]] = field(default_factory=dict)
    attachments: pl.DataFrame | None = None
    living: frozenset[str] | None = None


def read_submissions(path: Path, file: str, source: Source) -> Submissions:
    """Reads one body.

    Raises:
        ExportFault: It is cut off, or holds no submissions, e.g. a form.
    """
    document = _document(path, file)
    if isinstance(document, dict) and isinstance(document.get("living"), list):
        return Submissions(living=frozenset(map(str, document["living"])))
    rows = document
    if isinstance(document, dict):
        rows = next((document[key] for key in ("results", "submissions") if key in document), None)
    if isinstance(document, dict) and rows is not None and any(key in document for key in _FORM_KEYS):
        rows = None
    if not isinstance(rows, list):
        kind = "a form" if isinstance(document, dict) and "content" in document else "something else"
        raise ExportFault(
            file,
            f"it holds no submissions but {kind}",
            "drop the answer of .../api/v2/assets/<form>/data/?format=json, which has 'results'",
        )
    if strange := next((place for place, row in enumerate(rows, 1) if not _is_submission(row)), None):
        raise ExportFault(
            file,
            f"entry {strange} of its list is no submission: none of {', '.join(IDS)} is among its keys",
            "drop the answer of .../api/v2/assets/<form>/data/?format=json with all fields",
        )
    return _submissions(rows, file, source)


def _document(path: Path, file: str) -> Any:
    text = decode(path.read_bytes(), file, "utf-8")
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        ended = error.pos >= len(text.rstrip())
        sign = "the file was cut off" if ended else "it is no JSON"
        raise ExportFault(
            file, f"{sign}: reading stops on line {error.lineno}, column {error.colno}", EXPORT_AGAIN
        ) from error
    except RecursionError as error:
        raise ExportFault(file, "its lists are nested too deeply to be an export", EXPORT_AGAIN) from error


def _is_submission(row: object) -> bool:
    return isinstance(row, dict) and any(row.get(name) for name in IDS)


@dataclass
class _Rows:
    """The rows of one table while they are gathered."""

    parent: str
    cells: list[dict[str, str | None]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def _submissions(rows: list[dict[str, Any]], file: str, source: Source) -> Submissions:
    gathered = {MAIN: _Rows(MAIN)}
    attached: list[dict[str, str | None]] = []
    record = record_column(source)
    for line, submission in enumerate(rows, start=1):
        root = next(str(submission[name]) for name in IDS if submission.get(name)).removeprefix("uuid:")
        own = _text(submission.get(source.keys.record.column)) if source.keys.record else root
        _gather(submission, gathered, MAIN, line, {record: own}, "")
        attached += _attachments(submission.get("_attachments"), root)
    tables = {name: (_table(found, name, file), found.parent) for name, found in gathered.items()}
    return Submissions(tables, pl.DataFrame(attached, schema=ATTACHMENTS))


def _gather(
    row: dict[str, Any],
    gathered: dict[str, _Rows],
    table: str,
    line: int,
    root: dict[str, str | None],
    at: str,
) -> None:
    """Takes one row and, below it, those of its repeats."""
    cells: dict[str, str | None] = {}
    repeats: list[tuple[str, list[dict[str, Any]]]] = []
    for key, value in row.items():
        if key == "_attachments":
            continue
        if (
            isinstance(value, list)
            and not key.startswith("_")
            and any(isinstance(each, dict) for each in value)
        ):
            repeats.append((key, [each for each in value if isinstance(each, dict)]))
        else:
            cells |= _cells(key, value)
    if table != MAIN:
        place, parent_at = at, at.rpartition("/")[0]
        cells |= root | {ROW: place, PARENT_ROW: parent_at or None}
    gathered[table].cells.append(cells)
    gathered[table].lines.append(line)
    counts: dict[str, int] = {}
    for key, children in repeats:
        name = repeat_name(key)
        gathered.setdefault(name, _Rows(table))
        for child in children:
            counts[name] = counts.get(name, 0) + 1
            _gather(child, gathered, name, line, root, f"{at}/{name}[{counts[name]}]")


def _cells(key: str, value: Any) -> dict[str, str | None]:
    """The cells of one key; all but a place are one cell."""
    if key == "_geolocation" and isinstance(value, list):
        names = ("_geolocation_latitude", "_geolocation_longitude")
        return {name: each for name, each in zip(names, value, strict=False) if each is not None}
    if key == "_validation_status" and isinstance(value, dict):
        return {key: _text(value.get("uid"))}
    if isinstance(value, list) and all(not isinstance(each, dict | list) for each in value):
        return {key: _text((", " if key.startswith("_") else " ").join(str(each) for each in value))}
    if isinstance(value, dict | list):
        return {key: json.dumps(value, ensure_ascii=False, sort_keys=True) if value else None}
    return {key: _text(value)}


def _text(value: Any) -> str | None:
    """A cell's text; truth values as JSON writes them."""
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(found: _Rows, name: str, file: str) -> TextTable:
    columns = list(dict.fromkeys(column for row in found.cells for column in row))
    checked_header(columns, file if name == MAIN else f"{file}, repeat {name}")
    data = {column: [row.get(column) for row in found.cells] for column in columns}
    cells = pl.DataFrame(data, schema=dict.fromkeys(columns, pl.String))
    return text_table(cells, pl.Series("line", found.lines, dtype=pl.Int64))


def _attachments(found: Any, root: str) -> list[dict[str, str | None]]:
    """Files that a submission's answers name; their names are those in the answers, without folders."""
    return [
        {
            "record_id": root,
            "question": _text(each.get("question_xpath")),
            "name": _text(
                each.get("media_file_basename") or str(each.get("filename", "")).rpartition("/")[2]
            ),
            "url": _text(each.get("download_url")),
        }
        for each in found or []
        if isinstance(each, dict)
    ]
