"""JSON lines, or one JSON array of objects, as text tables.

In: the bytes of one file. Out: `JsonTables`: the records' own cells as `main`, and one table per list of
objects, whose rows say of which record they are. What the columns mean is the platforms' business.

- An object within an object is flattened: `{"head": {"age": 41}}` is the column `head/age`. Numbers keep the
  digits they are written with; truth values are `true` and `false`; null, NaN and empty text are blank.
- A list of objects is a table named by its path, with `-` for `/`: `visits`, and `visits-tests` within; its
  columns bear their path: `visits/date`. Row n of a list is `visits[n]`, from 1.
- Any other list is one cell: its texts with a space between, as survey platforms write several choices; as
  JSON where one of them is blank, holds a space, or is itself a list.
- A line that is no JSON object is left out with its number and why; in an array any such fault refuses the
  file, since nothing says where the next record begins. A key that stands twice in an object is such a fault.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.delimited import Ragged, TextTable
from ingestion.formats.header import checked_header
from ingestion.formats.text import EXPORT_AGAIN, cut_off, decode

MAIN = "main"
ROW, PARENT_ROW = "(row)", "(parent row)"
_DEEPEST = 20
_MOST_COLUMNS = 20_000
_TABLE_NAME = re.compile(r"(?!main$)[^\W_][\w .()-]{0,99}")
_HALF = re.compile("[\ud800-\udfff]")

Row = dict[str, str | None]


@dataclass(frozen=True)
class JsonTables:
    """What a file of JSON holds.

    Attributes:
        tables: The tables by name, `main` always. Those of lists begin with the columns `(row)` and
            `(parent row)`: the row's place in its record, as `/visits[1]/tests[2]`, and its parent's, blank
            for the record itself; then the column that identifies the record.
        parents: Table of a list -> the table that its parents stand in.
    """

    tables: Mapping[str, TextTable]
    parents: Mapping[str, str]


class _NoRecord(ValueError):
    """Why a line gives no record; it quotes no value."""


@dataclass(frozen=True)
class _Place:
    """Where an object stands: its table, its row's place in the record, its path, and its depth."""

    table: str = MAIN
    row: str = ""
    prefix: str = ""
    depth: int = 1


@dataclass(frozen=True)
class _Found:
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)


def read_json(data: bytes, file: str, encoding: str = "utf-8", record: str | None = None) -> JsonTables:
    """Reads JSON lines, or an array of objects.

    Args:
        data: The file's bytes.
        file: The file's name, for messages.
        encoding: Encoding declared in sources.yml.
        record: Column that identifies a record, repeated in the tables of lists.

    Raises:
        ExportFault: The file is cut off, wrongly encoded, or not JSON; or it holds lists of objects and no
            column identifies their records.
    """
    found: dict[str, _Found] = {MAIN: _Found()}
    parents: dict[str, str] = {}
    ragged: list[Ragged] = []
    for line, value in _values(decode(data, file, encoding), file):
        try:
            rows = _record(value, parents)
        except _NoRecord as fault:
            ragged.append(Ragged(line, 0, 0, str(fault)))
            continue
        key = {} if record is None else {record: rows[0][1].get(record)}
        for name, row in rows:
            table = found.setdefault(name, _Found())
            table.rows.append(row if name == MAIN else row | key)
            table.lines.append(line)
            table.columns.update(dict.fromkeys(table.rows[-1]))
    if ragged and not found[MAIN].rows:
        message = f"no line gives a record; line {ragged[0].line}: {ragged[0].reason}"
        raise ExportFault(file, message, EXPORT_AGAIN)
    if parents and record is None:
        raise ExportFault(
            file,
            f"it holds lists of objects ({', '.join(sorted(parents)[:5])}), but nothing tells their records",
            "name the column that identifies a record under keys.record in sources.yml",
        )
    tables = {name: _table(rows, file, ragged if name == MAIN else []) for name, rows in found.items()}
    return JsonTables(tables, parents)


def _values(text: str, file: str) -> Iterator[tuple[int, Any]]:
    """The values with the line each begins on, or their place in the array; a bad line as its fault."""
    if text.lstrip().startswith("["):
        try:
            yield from enumerate(_parsed(text), start=1)
        except json.JSONDecodeError as error:
            if not text[error.pos :].strip() or error.msg.startswith("Unterminated"):
                raise cut_off(file, "its array is never closed") from error
            raise ExportFault(file, f"line {error.lineno} is not JSON", EXPORT_AGAIN) from error
        except _NoRecord as error:
            raise ExportFault(file, f"its array cannot be read: {error}", EXPORT_AGAIN) from error
        return
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield number, _parsed(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                raise cut_off(file, f"its last line, {number}, is not whole") from error
            yield number, _NoRecord("it is not JSON")
        except _NoRecord as error:
            yield number, error


def _parsed(text: str) -> Any:
    try:
        return json.loads(
            text, parse_float=str, parse_int=str, parse_constant=lambda _: None, object_pairs_hook=_object
        )
    except RecursionError as error:
        raise _NoRecord(f"it nests deeper than {_DEEPEST} levels") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NoRecord("a key stands twice in one of its objects")
    for key in found:
        _refuse_half(key)
    return found


def _refuse_half(text: str) -> None:
    """JSON can escape half of a character, which no text can hold."""
    if not text.isascii() and _HALF.search(text):
        raise _NoRecord("it holds half of a character")


def _record(value: Any, parents: dict[str, str]) -> list[tuple[str, Row]]:
    """One record's rows, its own first; raises _NoRecord."""
    if isinstance(value, _NoRecord):
        raise value
    if not isinstance(value, dict):
        raise _NoRecord("it is no JSON object")
    rows: list[tuple[str, Row]] = [(MAIN, {})]
    links: dict[str, str] = {}
    _flatten(value, _Place(), rows[0][1], rows, links)
    if not rows[0][1]:
        raise _NoRecord("it has no cells")
    if sum(len(row) for _, row in rows) > _MOST_COLUMNS:
        raise _NoRecord(f"it has more than {_MOST_COLUMNS} cells, as if it held several records")
    parents.update(links)
    return rows


def _flatten(
    value: dict[str, Any], place: _Place, row: Row, rows: list[tuple[str, Row]], links: dict[str, str]
) -> None:
    """Puts an object's cells into its row; lists of objects become rows of their own."""
    if place.depth > _DEEPEST:
        raise _NoRecord(f"it nests deeper than {_DEEPEST} levels")
    for key, cell in value.items():
        path = f"{place.prefix}{key}"
        if isinstance(cell, dict):
            _flatten(cell, _Place(place.table, place.row, f"{path}/", place.depth + 1), row, rows, links)
        elif isinstance(cell, list) and any(isinstance(each, dict) for each in cell):
            name = path.replace("/", "-")
            if not _TABLE_NAME.fullmatch(name) or not all(isinstance(each, dict) for each in cell):
                raise _NoRecord("one of its lists of objects holds other values too, or has an unusable name")
            links[name] = place.table
            within = 0 if place.table == MAIN else len(place.table) + 1
            for turn, each in enumerate(cell, start=1):
                at = f"{place.row}/{path[within:]}[{turn}]"
                rows.append((name, {ROW: at, PARENT_ROW: place.row or None}))
                _flatten(each, _Place(name, at, f"{path}/", place.depth + 1), rows[-1][1], rows, links)
        elif path in row:
            raise _NoRecord("two of its keys give one column")
        else:
            row[path] = _cell(cell)


def _cell(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        _refuse_half(value)
    if not isinstance(value, list):
        return value or None
    texts = [_cell(each) if not isinstance(each, list) else None for each in value]
    if any(text is None or not text or re.search(r"\s", text) for text in texts):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return " ".join(text for text in texts if text) or None


def _table(found: _Found, file: str, ragged: list[Ragged]) -> TextTable:
    header = checked_header(list(found.columns), file)
    if len(header) > _MOST_COLUMNS:
        message = f"it has {len(header)} columns, as if its keys were values"
        raise ExportFault(file, message, "export values under fixed keys, e.g. as a list of objects")
    cells = pl.DataFrame(
        {
            name: pl.Series(name, [row.get(column) for row in found.rows], dtype=pl.String)
            for name, column in zip(header, found.columns, strict=True)
        }
    )
    lines = pl.Series("line", found.lines, dtype=pl.Int64)
    return TextTable(cells.lazy(), tuple(header), lines, tuple(ragged))
