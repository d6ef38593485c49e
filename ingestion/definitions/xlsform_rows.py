"""What the rows of an XLSForm mean: groups and repeats, fields with their conditions, choices.

In: `FormSheets`. Out: `Definition`. How sheets are stored is not known here. What cannot be understood is
passed over and noted with its row, for real forms hold choices twice and words of one platform only.

Facts: a group's relevance holds for all in it; `or_other` adds the choice `other` and the text question
`<name>_other`; a row with `disabled` yes is not in the form; a list that `search()` or a file fills is not
wholly in the form, so its answers are not held against the choices that are.
"""

import re
from collections import Counter
from dataclasses import dataclass

from ingestion.definitions.field import Choice, Definition, Field
from ingestion.definitions.form_paths import all_of, deeper, export_columns, with_own_columns
from ingestion.definitions.form_sheets import FormSheets, SheetRow
from ingestion.definitions.xlsform_types import RowType, row_type

_YES, _NO = ("yes", "true", "true()", "1", "y"), ("", "no", "false", "false()", "0", "n")
_RANGE = (("start", "1"), ("end", "10"), ("step", "1"))


def definition_of(sheets: FormSheets, title: str) -> Definition:
    """The form that the sheets describe; `title` is its title where the sheets give none."""
    form = _Form(sheets)
    fields = form.read()
    return Definition(
        "xlsform",
        sheets.settings.get("form_title", title),
        sheets.settings.get("version", ""),
        with_own_columns(fields),
        tuple(form.choices),
        tuple(form.notes),
    )


@dataclass(frozen=True)
class _Group:
    line: int
    name: str
    is_repeat: bool
    relevance: str


class _Form:
    """The walk through a form's rows: open groups, fields so far, and what was passed over."""

    def __init__(self, sheets: FormSheets) -> None:
        self.sheets = sheets
        self.notes: list[str] = []
        self.language = sheets.settings.get("default_language", "").partition("(")[0].strip().lower()
        self.choices = self._choices()
        self.groups: list[_Group] = []

    def read(self) -> list[Field]:
        fields: list[Field] = []
        for row in self.sheets.survey:
            kind = row_type(row.get("type"))
            if row.get("disabled").lower() in _YES:
                self._note(row, "it is disabled")
            elif kind.part.startswith("begin"):
                self._open(row, kind)
            elif kind.part.startswith("end"):
                self._close(row)
            elif row.get("type"):
                fields += self._fields(row, kind)
        for group in self.groups:
            self.notes.append(f"row {group.line}: the group {group.name} is never closed")
        doubled = [path for path, count in Counter(field.path for field in fields).items() if count > 1]
        for path in doubled:
            self.notes.append(f"the name {path} is used twice; the first question of that name counts")
        return list({field.path: field for field in reversed(fields)}.values())[::-1]

    def _note(self, row: SheetRow, text: str) -> None:
        self.notes.append(f"row {row.line}: {text}")

    def _open(self, row: SheetRow, kind: RowType) -> None:
        name = row.get("name", "autoname")
        if not name:
            self._note(row, "a group has no name")
        self.groups.append(_Group(row.line, name, kind.part == "begin_repeat", row.get("relevant")))

    def _close(self, row: SheetRow) -> None:
        if self.groups:
            self.groups.pop()
        else:
            self._note(row, "a group is closed that was never opened")

    def _fields(self, row: SheetRow, kind: RowType) -> list[Field]:
        name = row.get("name", "autoname")
        if not name:
            self._note(row, f"a row of type {row.get('type')} has no name")
            return []
        if kind.field_type is None:
            self._note(row, f"the type {row.get('type')} of {name} is unknown, so it is read as text")
        field = self._field(row, kind, name)
        or_other = kind.or_other or row.get("_or_other") == "true"
        if not or_other or field.choice_list is None:
            return [field]
        if not any(
            choice.choice_list == field.choice_list and choice.code == "other" for choice in self.choices
        ):
            self.choices.append(Choice(field.choice_list, "other", {"": "Other"}))
        condition = f"selected(${{{name}}}, 'other')"
        other = f"{field.path}_other"
        text = Field(
            name=f"{name}_other",
            path=other,
            type="text",
            relevance=all_of([*self._enclosing(), condition]),
            labels={"": "Other"},
            repeat=field.repeat,
            columns=export_columns(other, field.repeat),
            line=row.line,
        )
        return [field, text]

    def _field(self, row: SheetRow, kind: RowType, name: str) -> Field:
        named = [group for group in self.groups if group.name]
        path = "/".join([*(group.name for group in named), name])
        repeats = [place for place, group in enumerate(named, start=1) if group.is_repeat]
        repeat = "/".join(group.name for group in named[: repeats[-1]]) if repeats else None
        required = row.get("required").lower()
        is_range = row.get("type").lower() == "range"
        low, high, is_whole = _range(row.get("parameters")) if is_range else (None, None, False)
        return Field(
            name=name,
            path=path,
            type="integer" if is_whole else kind.field_type or "text",
            choice_list=self._list(row, kind, name),
            is_required=required in _YES,
            constraint=row.get("constraint") or None,
            relevance=all_of([*self._enclosing(), row.get("relevant")]),
            required=row.get("required") if required not in (*_YES, *_NO) else None,
            low=low,
            high=high,
            unit=row.get("unit", "units") or None,
            is_identifier=kind.is_identifier,
            labels=self._labels(row),
            repeat=repeat,
            columns=export_columns(path, repeat),
            line=row.line,
        )

    def _enclosing(self) -> list[str]:
        """The conditions of the open groups, as a field in the innermost one has to write them."""
        depth = len(self.groups)
        return [deeper(group.relevance, depth - above) for above, group in enumerate(self.groups)]

    def _list(self, row: SheetRow, kind: RowType, name: str) -> str | None:
        if kind.field_type not in ("select_one", "select_multiple"):
            return None
        listed = kind.choice_list or row.get("select_from_list_name", "kobo--score-choices", "list_name")
        if "search(" in row.get("appearance"):
            self._note(row, f"the choices of {name} come from a file, so its codes are not known")
            return None
        if any(choice.choice_list == listed for choice in self.choices):
            return listed
        self._note(row, f"the choices of {name} are not in the form: there is no list '{listed}'")
        return None

    def _choices(self) -> list[Choice]:
        choices: dict[tuple[str, str], Choice] = {}
        doubled: Counter[str] = Counter()
        for row in self.sheets.choices:
            key = (row.get("list_name"), row.get("value", "name", "$autovalue"))
            if not all(key):
                self._note(row, "a choice lacks its list or its code")
            elif key in choices:
                doubled[key[0]] += 1
            else:
                choices[key] = Choice(*key, self._labels(row))
        for name, count in doubled.items():
            self.notes.append(f"the list {name} names {count} codes more than once; the first of each counts")
        return list(choices.values())

    def _labels(self, row: SheetRow) -> dict[str, str]:
        """Labels with the form's default language first."""
        return dict(
            sorted(
                row.labels.items(),
                key=lambda pair: pair[0].partition("(")[0].strip().lower() not in ("", self.language),
            )
        )


def _range(parameters: str) -> tuple[float | None, float | None, bool]:
    """Ends of a range question, from 1 to 10 where not said, and whether its answers are whole numbers."""
    given = dict(re.findall(r"(start|end|step)\s*=\s*([-+.\d]+)", parameters.lower()))
    try:
        start, end, step = (float(given.get(name, default)) for name, default in _RANGE)
    except ValueError:
        return None, None, False
    return min(start, end), max(start, end), start.is_integer() and step.is_integer()
