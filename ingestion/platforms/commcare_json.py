"""CommCare's forms as JSON: objects from XML, flattened to the columns that its own exports have.

Facts this rests on: a form is XML turned to JSON, so that attributes are `@name`, text beside them `#text`,
and every answer a string; `form.group.question` is a column; a blank element is an empty text.

A repeat is a list, but one with a single entry may be a plain object [M]. So a path at which any form of the
body has a list is a repeat in all of them, and so are the paths that the pull had met before and wrote into
the body. What stays ambiguous: a repeat that never had two entries in any form pulled so far looks like a
group, and is read as one; the first list makes the next pull a full one (`commcare_api`).

In: forms, parsed. Out: rows by table; those of repeats say of which form and row they are. What identifies a
submission, and which are archived, is `commcare`'s business.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ingestion.formats.delimited import TextTable, text_table

MAIN = "main"
FORM_ID, ROW, PARENT_ROW = "formid", "(row)", "(parent row)"
_DEEPEST = 60
# Paths of the JSON that CommCare's own exports name otherwise.
_NAMES = {
    "id": FORM_ID,
    "form.meta.timeEnd": "completed_time",
    "form.meta.timeStart": "started_time",
    "form.meta.username": "username",
    "form.meta.userID": "userID",
    "form.meta.deviceID": "deviceID",
    "form.meta.appVersion": "App Version",
    "form.@version": "@version",
    "form.@xmlns": "@xmlns",
    "form.@name": "@name",
}
_NO_ANSWERS = {"attachments", "_id"}

Row = dict[str, str | None]


class TooDeep(ValueError):
    """A form that nests deeper than any form does."""


def list_paths(forms: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The paths at which any form has a list, such as `form.home.child`."""
    found: set[str] = set()
    for form in forms:
        _find_lists(form, "", found)
    return frozenset(found)


def table_name(path: str) -> str:
    """A repeat's table: its path within the form, such as `home.child`."""
    name = path.removeprefix("form.")
    return f"{name}_repeat" if name == MAIN or name.startswith("_") else name


def repeat_row(parent_row: str, parent_path: str, path: str, place: int) -> str:
    """A row's place in its form, such as `/home.child[2]/visit[1]`; places count from 1."""
    within = path.removeprefix(f"{parent_path}." if parent_path else "form.")
    return f"{parent_row}/{within}[{place}]"


def parent_path(path: str, repeats: Iterable[str]) -> str:
    """The repeat that a repeat lies in, or blank."""
    return max((each for each in repeats if path.startswith(f"{each}.")), key=len, default="")


def form_tables(forms: Sequence[Mapping[str, Any]], repeats: frozenset[str]) -> dict[str, TextTable]:
    """The forms' rows by path of the repeat, those of the forms themselves under a blank path.

    Args:
        forms: The forms of one body.
        repeats: Paths that are repeats, those at which they have lists among them.

    Raises:
        TooDeep: A form nests deeper than any form does.
    """
    gathered: dict[str, list[tuple[int, Row]]] = {"": []}
    for place, form in enumerate(forms, start=1):
        answers = {name: value for name, value in form.items() if name not in _NO_ANSWERS}
        for path, row in _rows(answers, repeats, str(form.get("id") or "")):
            gathered.setdefault(path, []).append((place, row))
    return {path: _table(found) for path, found in gathered.items()}


def _find_lists(value: Any, path: str, found: set[str], depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise TooDeep
    if isinstance(value, list):
        found.add(path)
        for each in value:
            _find_lists(each, path, found, depth + 1)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if path or name not in _NO_ANSWERS:
                _find_lists(each, f"{path}.{name}" if path else name, found, depth + 1)


def _rows(answers: Mapping[str, Any], repeats: frozenset[str], form_id: str) -> Iterator[tuple[str, Row]]:
    """A form's own row, then those of its repeats, each with the path of its table."""
    waiting: list[tuple[str, str, Any, Row]] = [("", "", answers, {})]
    while waiting:
        table, at, value, row = waiting.pop(0)
        for path, entries in _fill(value, table, table, row, repeats):
            for place, entry in enumerate(entries, start=1):
                own = repeat_row(at, table, path, place)
                waiting.append((path, own, entry, {FORM_ID: form_id, ROW: own, PARENT_ROW: at or None}))
        yield table, row


def _fill(
    value: Any, path: str, table: str, row: Row, repeats: frozenset[str]
) -> Iterator[tuple[str, list[Any]]]:
    """Puts a value's cells into a row; yields the repeats it meets, with their entries."""
    if path in repeats and path != table:
        entries = value if isinstance(value, list) else [value]
        if entries != [""] and entries != [None]:
            yield path, entries
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _fill(each, f"{path}.{name}" if path else name, table, row, repeats)
    elif isinstance(value, list):
        # A list straight within a list has no path of its own.
        for each in value:
            yield from _fill(each, path, table, row, repeats)
    else:
        text = str(value).lower() if isinstance(value, bool) else value
        row[path if table else _NAMES.get(path, path)] = text or None


def _table(found: Sequence[tuple[int, Row]]) -> TextTable:
    columns = dict.fromkeys(name for _, row in found for name in row)
    cells = [pl.Series(name, [row.get(name) for _, row in found], dtype=pl.String) for name in columns]
    return text_table(pl.DataFrame(cells), pl.Series("line", [place for place, _ in found], dtype=pl.Int64))
