"""ODK Central's OData as the tables that its CSV export has: same names of columns, tables and rows.

In: one JSON body of submissions, of one repeat, or of ids that were deleted. Out: text tables by name with
their parents' names. What identifies a row is `odk_central`'s business.

Facts this rests on: groups are objects, and a CSV joins their names with `-`; points are GeoJSON, longitude
first, and a CSV has four columns for each; numbers are JSON numbers, so that `30.50` in a CSV is `30.5` here;
a repeat is a list where `$expand=*` was asked for, and its rows' `__id` is a hash, so that they are named by
their place, as in a CSV; `__id` of a submission is the first instance id and stays. OData's names hold
letters, digits and `_` only: the form's own differ where they hold more.

A body that a pull lands has the form's fields beside its rows, as [OData path, path, type], since a page
alone tells neither the form's own names nor a blank point from a blank word. A body saved by hand is read
without: a point that is blank in all its rows is then one column.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import TextTable, text_table
from ingestion.formats.header import checked_header
from ingestion.formats.text import EXPORT_AGAIN, decode
from ingestion.platforms.protocol import MAIN

_SYSTEM = {
    "submissionDate": "SubmissionDate",
    "submitterId": "SubmitterID",
    "submitterName": "SubmitterName",
    "attachmentsPresent": "AttachmentsPresent",
    "attachmentsExpected": "AttachmentsExpected",
    "status": "Status",
    "reviewState": "ReviewState",
    "deviceId": "DeviceID",
    "edits": "Edits",
    "formVersion": "FormVersion",
}
_STATUSES = {"notDecrypted": "not decrypted", "missingEncryptedFormData": "missing encrypted form data"}
_POINT = ("Latitude", "Longitude", "Altitude", "Accuracy")
_SHAPES = ("Point", "LineString", "Polygon")
_EXPAND = "ask for .svc/Submissions?$expand=*, which holds the repeats, or drop the .csv.zip"


@dataclass
class Rows:
    """What a body holds.

    Attributes:
        tables: Text tables with their parents' names.
        gone: Ids of submissions that were deleted.
        note: What whoever dropped it should know, or nothing.
    """

    tables: dict[str, tuple[TextTable, str]] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    note: str = ""


def table_name(steps: Sequence[str], is_doubled: bool = False) -> str:
    """A repeat's name in the lake: its own, or its path's where the form has two of its own name."""
    name = re.sub(r"[^\w.-]", "_", "-".join(steps) if is_doubled else steps[-1])
    return f"{name}_repeat" if name == MAIN or name.startswith(("_", ".")) else name


def read_odata(data: bytes, file: str) -> Rows:
    """Reads one body.

    Raises:
        ExportFault: It is cut off, no OData of submissions, or rows of a repeat that cannot be placed.
    """
    try:
        document = json.loads(decode(data, file, "utf-8"), parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ExportFault(
            file, f"it was cut off or is no JSON: reading stops on {place}", EXPORT_AGAIN
        ) from error
    except RecursionError as error:
        raise ExportFault(file, "its lists are nested too deeply to be an export", EXPORT_AGAIN) from error
    if isinstance(document, dict) and isinstance(document.get("deleted"), list):
        return Rows(gone=frozenset(map(str, document["deleted"])))
    rows = document.get("value") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("__id") for row in rows):
        raise ExportFault(
            file,
            "it holds no submissions",
            "drop the submissions as .csv.zip, or the answer of .svc/Submissions",
        )
    gathered = _Gathered(_fields(document.get("fields")))
    path = str(document.get("@odata.context", "")).rpartition("#")[2].split(".")[1:]
    is_page = "@odata.nextLink" in document
    if path:
        gathered.repeat(rows, path, file, is_page)
    else:
        for line, row in enumerate(rows, start=1):
            gathered.submission(row, line)
    note = "it is one page of several" if is_page else ""
    if gathered.is_unexpanded:
        note = "; ".join(filter(None, [note, f"its repeats are not in it: {_EXPAND}"]))
    return Rows(
        {name: (_table(found, file), found.parent) for name, found in gathered.tables.items()}, note=note
    )


Fields = dict[str, tuple[str, str]]


def _fields(listed: Any) -> Fields:
    """OData path -> the form's own path, and the type."""
    return {odata: (path, kind) for odata, path, kind in listed or []}


@dataclass
class _Table:
    parent: str
    cells: list[dict[str, str | None]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


class _Gathered:
    """The rows of a body's tables while they are gathered."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.tables = {MAIN: _Table(MAIN)}
        self.is_unexpanded = False
        repeats = [path.split("/") for path, kind in fields.values() if kind == "repeat"]
        own = Counter(steps[-1] for steps in repeats)
        self.doubled = {name for name, count in own.items() if count > 1}

    def submission(self, row: dict[str, Any], line: int) -> None:
        system = row.get("__system") or {}
        head = {"SubmissionDate": _text(system.get("submissionDate"))}
        tail = {column: _text(system.get(name)) for name, column in _SYSTEM.items() if name in system}
        if (status := tail.get("Status")) is not None:
            tail["Status"] = _STATUSES.get(status, status)
        self.row(row, MAIN, MAIN, line, ("", ""), str(row["__id"]), head, tail)

    def row(
        self,
        row: dict[str, Any],
        table: str,
        parent: str,
        line: int,
        at: tuple[str, str],
        key: str,
        head: dict[str, str | None],
        tail: dict[str, str | None],
    ) -> None:
        """Takes one row, and those of its repeats; `at`: its path in OData, and in the form."""
        found = self.tables.setdefault(table, _Table(parent))
        cells = dict(head)
        repeats: list[tuple[str, str, list[dict[str, Any]]]] = []
        self._cells(row, at[0], at[1], "", cells, repeats)
        found.cells.append(cells | {"KEY": key} | tail)
        found.lines.append(line)
        for odata, own, children in repeats:
            below = own.removeprefix(at[1]).strip("/")
            name = self._name(own)
            for number, child in enumerate(children, start=1):
                self.row(
                    child,
                    name,
                    table,
                    line,
                    (odata, own),
                    f"{key}/{below}[{number}]",
                    {},
                    {"PARENT_KEY": key},
                )

    def repeat(self, rows: list[dict[str, Any]], path: list[str], file: str, is_page: bool) -> None:
        """Takes the rows of one repeat's own body, whose order alone gives their places."""
        if is_page or not all("__Submissions-id" in row for row in rows):
            raise ExportFault(
                file,
                "it holds rows of a repeat without their place in the submission, since it is one page of "
                "several or the repeat lies in another",
                _EXPAND,
            )
        self.tables.clear()
        counts: Counter[str] = Counter()
        odata = own = "".join(f"/{step}" for step in path)
        for line, row in enumerate(rows, start=1):
            parent = str(row["__Submissions-id"])
            counts[parent] += 1
            key = f"{parent}{own}[{counts[parent]}]"
            self.row(row, self._name(own), MAIN, line, (odata, own), key, {}, {"PARENT_KEY": parent})

    def _name(self, own: str) -> str:
        steps = own.strip("/").split("/")
        return table_name(steps, steps[-1] in self.doubled)

    def _cells(
        self,
        values: dict[str, Any],
        odata: str,
        own: str,
        prefix: str,
        cells: dict[str, str | None],
        repeats: list[tuple[str, str, list[dict[str, Any]]]],
    ) -> None:
        """Fills the cells of one row from an object and its groups; repeats are put aside."""
        for name, value in values.items():
            if name.startswith("__") or "@odata." in name:
                self.is_unexpanded |= name.endswith("@odata.navigationLink") and (
                    name.removesuffix("@odata.navigationLink") not in values
                )
                continue
            path, kind = self.fields.get(f"{odata}/{name}", (f"{own}/{name}", ""))
            column = f"{prefix}{path.rpartition('/')[2]}"
            if isinstance(value, list):
                repeats.append((f"{odata}/{name}", path, [each for each in value if isinstance(each, dict)]))
            elif isinstance(value, dict) and value.get("type") in _SHAPES and "coordinates" in value:
                cells |= _shape(column, value)
            elif isinstance(value, dict):
                self._cells(value, f"{odata}/{name}", path, f"{column}-", cells, repeats)
            elif kind == "geopoint":
                cells |= {f"{column}-{part}": None for part in _POINT}
            elif kind != "repeat":
                cells[column] = _text(value)


def _shape(column: str, shape: dict[str, Any]) -> dict[str, str | None]:
    """GeoJSON as a CSV says it: a point in four columns, else `lat lon alt accuracy` between semicolons."""
    about, found = shape.get("properties") or {}, shape["coordinates"]
    if shape["type"] == "Point":
        longitude, latitude, *rest = map(_text, found)
        values = (latitude, longitude, rest[0] if rest else None, _text(about.get("accuracy")))
        return {f"{column}-{part}": value for part, value in zip(_POINT, values, strict=True)}
    points = found[0] if shape["type"] == "Polygon" else found
    accuracies = about.get("accuracies") or [None] * len(points)
    texts = []
    for (longitude, latitude, *rest), accuracy in zip(points, accuracies, strict=False):
        altitude = rest[0] if rest else "0"
        texts.append(f"{latitude} {longitude} {altitude} {'0' if accuracy is None else accuracy}")
    return {column: ";".join(texts)}


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(found: _Table, file: str) -> TextTable:
    columns = list(dict.fromkeys(column for row in found.cells for column in row))
    checked_header(columns, file)
    data = {column: [row.get(column) for row in found.cells] for column in columns}
    cells = pl.DataFrame(data, schema=dict.fromkeys(columns, pl.String))
    return text_table(cells, pl.Series("line", found.lines, dtype=pl.Int64))
