"""REDCap's data dictionary: the CSV of the designer and the one that the API and its clients write.

In: a file. Out: `Definition`. The two spell the same 18 columns differently; both are known here.

Facts: a checkbox is exported as one column of 0 and 1 for each choice, `race___1`, a minus sign in the code
as `_`, so each is a field of its own; names are unique in a project, so a field's path is its name; a
dictionary holds no codes of missing data, which belong to the project; branching logic hides a field. The
allowed range of a date is written here as a condition in REDCap's own logic, for `low` and `high` are
numbers. R writes `NA` for a blank cell.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ingestion.definitions.field import Choice, Definition, Field, FieldType
from ingestion.export_fault import ExportFault
from ingestion.formats.text import decode

_TITLES = {
    "variable / field name": "field_name",
    "form name": "form_name",
    "field type": "field_type",
    "field label": "field_label",
    "choices, calculations, or slider labels": "select_choices_or_calculations",
    "choices or calculations": "select_choices_or_calculations",
    "text validation type or show slider number": "text_validation_type_or_show_slider_number",
    "text validation min": "text_validation_min",
    "text validation max": "text_validation_max",
    "identifier?": "identifier",
    "branching logic (show field only if...)": "branching_logic",
    "required field?": "required_field",
}
NEEDED = {"field_name", "field_type"}
_TYPES: dict[str, FieldType] = {
    "text": "text",
    "notes": "text",
    "radio": "select_one",
    "dropdown": "select_one",
    "select": "select_one",
    "checkbox": "boolean",
    "yesno": "boolean",
    "truefalse": "boolean",
    "calc": "number",
    "slider": "number",
    "file": "attachment",
    "signature": "attachment",
    "descriptive": "none",
    "sql": "text",
}
_IDENTIFYING = ("phone", "email", "ssn", "mrn", "vmrn")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_redcap_dictionary(path: Path) -> Definition:
    """Reads a data dictionary.

    Raises:
        ExportFault: It cannot be read, or is no data dictionary.
    """
    notes: list[str] = []
    fields: list[Field] = []
    choices: list[Choice] = []
    for line, row in _rows(path):
        name, kind = row["field_name"], row["field_type"].lower()
        if kind not in _TYPES:
            notes.append(f"line {line}: the type {kind} of {name} is unknown, so it is read as text")
        listed = []
        if kind in ("radio", "dropdown", "select", "checkbox"):
            listed = _choices(name, row["select_choices_or_calculations"])
            choices += listed
            if not listed:
                notes.append(f"line {line}: {name} has no choices")
        fields += _fields(row, kind, line, listed, notes)
    return Definition("redcap", path.stem, "", tuple(fields), tuple(choices), tuple(notes))


def checkbox_column(name: str, code: str) -> str:
    """The column of one choice of a checkbox: `race___1`."""
    return f"{name}___{re.sub('[^a-z0-9_]', '', code.lower().replace('-', '_'))}"


def header_names(header: list[str]) -> list[str]:
    """A dictionary's header in the API's spelling; other columns in lower case."""
    plain = [" ".join(name.split()).lower() for name in header]
    return [_TITLES.get(name, name.replace(" ", "_")) for name in plain]


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    text = decode(path.read_bytes(), path.name, "utf-8")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = header_names(next(reader, []))
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ExportFault(
            path.name, "its quotes do not pair", "download the data dictionary again"
        ) from error
    if not set(header) >= NEEDED:
        raise ExportFault(
            path.name,
            "it has no columns for the field's name and type, so it is no REDCap data dictionary",
            "download it under Project Setup, Data Dictionary, or by the API with content=metadata",
        )
    # R's clients write NA where REDCap writes nothing, and then no cell is blank.
    is_from_r = rows and all(all(row) for _, row in rows)
    blank = "NA" if is_from_r else ""
    known = dict.fromkeys(_TITLES.values(), "")
    for line, row in rows:
        cells = {name: "" if cell == blank else cell.strip() for name, cell in zip(header, row, strict=False)}
        if cells.get("field_name"):
            yield line, known | cells


def _fields(
    row: Mapping[str, str], kind: str, line: int, listed: list[Choice], notes: list[str]
) -> Iterator[Field]:
    name, validation = row["field_name"], row["text_validation_type_or_show_slider_number"].lower()
    field_type = _validated(validation) if kind == "text" else _TYPES.get(kind, "text")
    limits = (row["text_validation_min"], row["text_validation_max"])
    low, high = (_number(limit) for limit in limits) if field_type in ("integer", "number") else (None, None)
    constraint = _day_range(name, *limits) if field_type in ("date", "datetime") else None
    if kind == "text" and any(limits) and low is None and high is None and constraint is None:
        notes.append(f"line {line}: the range of {name} is not of numbers or days, so it is not judged")
    if kind == "slider":
        low, high = 0.0 if low is None else low, 100.0 if high is None else high
    whole = Field(
        name=name,
        path=name,
        type=field_type,
        choice_list=name if kind in ("radio", "dropdown", "select") and listed else None,
        is_required=row["required_field"].lower() in ("y", "yes", "1", "true"),
        constraint=constraint,
        relevance=row["branching_logic"] or None,
        low=low,
        high=high,
        is_identifier=row["identifier"].lower() in ("y", "yes", "1", "true")
        or field_type == "attachment"
        or (kind == "text" and validation.startswith(_IDENTIFYING)),
        labels={"": row["field_label"]} if row["field_label"] else {},
        columns=(name,),
        line=line,
    )
    if kind != "checkbox":
        yield whole
    for choice in listed if kind == "checkbox" else []:
        yield _option(whole, choice)


def _option(checkbox: Field, choice: Choice) -> Field:
    """One choice of a checkbox; which of them must be ticked is not said, so none is required."""
    column = checkbox_column(checkbox.name, choice.code)
    label = ": ".join(text for text in (checkbox.labels.get("", ""), choice.labels.get("", "")) if text)
    return Field(
        name=column,
        path=column,
        type="boolean",
        relevance=checkbox.relevance,
        is_identifier=checkbox.is_identifier,
        labels={"": label} if label else {},
        columns=(column,),
        line=checkbox.line,
    )


def _validated(validation: str) -> FieldType:
    if validation.startswith(("integer", "int")):
        return "integer"
    if validation.startswith(("number", "float")):
        return "number"
    for kind in ("datetime", "date", "time"):
        if validation.startswith(kind):
            return kind
    return "text"


def _choices(name: str, text: str) -> list[Choice]:
    """`1, Yes | 2, No`: codes end at the first comma, labels may hold more."""
    parts = [part.partition(",") for part in re.split(r"\||\\n|\n", text)]
    pairs = [(code.strip(), label.strip()) for code, _, label in parts if code.strip()]
    return [Choice(name, code, {"": label} if label else {}) for code, label in dict(pairs).items()]


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _day_range(name: str, low: str, high: str) -> str | None:
    """Days as a condition in REDCap's logic; None without limits, or where one is a word such as `today`."""
    pairs = [(sign, limit) for sign, limit in ((">=", low), ("<=", high)) if limit]
    if not pairs or not all(_DAY.match(limit) for _, limit in pairs):
        return None
    return " and ".join(f'[{name}] {sign} "{limit}"' for sign, limit in pairs)
