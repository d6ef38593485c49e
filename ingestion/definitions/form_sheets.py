"""The sheets of an XLSForm as rows with known headers, wherever they come from: workbook, CSVs, Kobo's JSON.

In: a file. Out: `FormSheets`: rows of survey, choices and settings whose headers have one spelling each,
blank rows left out. What a row means is not known here. Real forms spell headers in many ways: `relevance`,
`bind:relevant` and `bind::relevant` are one, and so are `label::French` and `label:French`.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ingestion.export_fault import ExportFault
from ingestion.formats.excel import read_grids
from ingestion.formats.text import decode

_ALIASES = {
    "relevance": "relevant",
    "calculate": "calculation",
    "list_name": "list_name",
    "list": "list_name",
    "form_id": "id_string",
    "title": "form_title",
    "$autoname": "autoname",
}
_PLACES = ("bind", "body", "control")
_SHEETS = ("survey", "choices", "external_choices", "settings")
_Grid: TypeAlias = list[tuple[int, list[str]]]
_Grids: TypeAlias = dict[str, _Grid]


@dataclass(frozen=True)
class SheetRow:
    """One row.

    Attributes:
        line: Its row in the sheet, the header's being 1; in JSON its place in the list.
        cells: Text by header, without blanks.
        labels: Text of `label` by language, `""` where none is named.
    """

    line: int
    cells: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)

    def get(self, *headers: str) -> str:
        """The first of these cells that has text, or blank."""
        return next((self.cells[header] for header in headers if header in self.cells), "")


@dataclass(frozen=True)
class FormSheets:
    """The rows of a form's sheets; `settings` is its first row's cells."""

    file: str
    survey: Sequence[SheetRow]
    choices: Sequence[SheetRow] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


def from_workbook(path: Path) -> FormSheets:
    """The sheets of an .xlsx or .xls workbook; raises ExportFault."""
    return _sheets(path.name, _grids(path))


def from_csv(path: Path) -> FormSheets:
    """The sheet `survey.csv`, with `choices.csv` and `settings.csv` beside it if any; raises ExportFault."""
    grids = {"survey": _grid(path)}
    for sheet in ("choices", "settings"):
        beside = path.with_name(re.sub("survey", sheet, path.name, flags=re.IGNORECASE))
        if beside != path and beside.exists():
            grids[sheet] = _grid(beside)
    return _sheets(path.name, grids)


def from_content(content: Mapping[str, Any], file: str) -> FormSheets:
    """The sheets that Kobo keeps as JSON: lists of rows, labels as lists in the order of `translations`."""
    languages = [language or "" for language in content.get("translations") or [""]]
    settings = content.get("settings") or {}
    return FormSheets(
        file,
        [_json_row(row, line, languages) for line, row in enumerate(content.get("survey") or [], start=1)],
        [_json_row(row, line, languages) for line, row in enumerate(content.get("choices") or [], start=1)],
        _json_row(settings if isinstance(settings, dict) else {}, 1, languages).cells,
    )


def _grids(path: Path) -> _Grids:
    wanted = [spelling for name in _SHEETS for spelling in (name, name.upper(), name.capitalize())]
    return {
        _header(name): [
            (line, [cell or "" for cell in row])
            for line, row in zip(grid.rows.to_list(), grid.cells.iter_rows(), strict=True)
        ]
        for name, grid in read_grids(path, path.name, wanted).items()
    }


def _grid(path: Path) -> _Grid:
    text = decode(path.read_bytes(), path.name, "utf-8")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return list(enumerate(rows, start=1))
    except csv.Error as error:
        raise ExportFault(path.name, "its quotes do not pair", "save the sheet as CSV again") from error


def _sheets(file: str, grids: _Grids) -> FormSheets:
    survey = list(_rows(grids.get("survey", [])))
    if not any("type" in row.cells for row in survey):
        raise ExportFault(
            file,
            "it has no sheet 'survey' with a column 'type', so it is no XLSForm",
            "name the form's own workbook, not a data export",
        )
    choices = [*_rows(grids.get("choices", [])), *_rows(grids.get("external_choices", []))]
    settings = next(_rows(grids.get("settings", [])), SheetRow(0, {}))
    return FormSheets(file, survey, choices, settings.cells)


def _rows(grid: _Grid) -> Iterator[SheetRow]:
    lines = iter(grid)
    header: Sequence[str] = next((row for _, row in lines if any(cell.strip() for cell in row)), [])
    for line, row in lines:
        pairs = [(name, cell.strip()) for name, cell in zip(header, row, strict=False) if cell.strip()]
        if pairs:
            yield _row(line, pairs)


def _json_row(row: Mapping[str, Any], line: int, languages: Sequence[str]) -> SheetRow:
    pairs: list[tuple[str, str]] = []
    for name, value in row.items():
        if isinstance(value, list):
            pairs += [
                (f"{name}::{language}" if language else name, str(text))
                for language, text in zip(languages, value, strict=False)
                if text is not None
            ]
        elif value is not None and not isinstance(value, dict):
            pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value).strip()))
    return _row(line, pairs)


def _row(line: int, pairs: Iterable[tuple[str, str]]) -> SheetRow:
    cells: dict[str, str] = {}
    labels: dict[str, str] = {}
    for name, cell in pairs:
        head, _, rest = name.partition(":")
        rest = rest.lstrip(":").strip()
        if _header(head) == "label":
            labels.setdefault(rest, cell)
        elif rest and _header(head) in _PLACES:
            cells.setdefault(_header(rest), cell)
        elif not rest:
            cells.setdefault(_header(head), cell)
    return SheetRow(line, cells, labels)


def _header(name: str) -> str:
    plain = re.sub(r"[\s_]+", "_", name.strip().lower())
    return _ALIASES.get(plain, plain)
