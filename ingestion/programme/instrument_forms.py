"""Completes instruments from the form definitions that they name.

In: the entry of an instrument as YAML has it, and the programme folder. Out: the entry with types, choices
and limits filled in from the form, an item of its own for every other question of the form, and faults. The
YAML wins wherever it says something. What the files of a form hold is the readers' matter.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ingestion.definitions.field import Choice, Definition, Field
from ingestion.definitions.reader import KNOWN, read_definition
from ingestion.export_fault import ExportFault
from ingestion.programme.entries import Entry
from ingestion.programme.explain import suggestion
from ingestion.programme.faults import Fault, Severity
from ingestion.programme.form import Form
from ingestion.programme.form_items import contradiction, item_data, item_ids, slug
from ingestion.programme.model_instruments import DerivedItem, Instrument

_LINE = re.compile(r"(?:line|row) (\d+)\b")
# How the columns of a multiple select's single options are spelled: Kobo and ODK, ODK, R, SurveyCTO.
_BETWEEN = ("/", "-", ".", "_")


@dataclass
class Completion:
    """An instrument's entry on its way to an instrument.

    Attributes:
        entry: The entry, completed.
        file: The definition's path as the YAML gives it.
        definition: The form, or None where the instrument names none or it cannot be read.
        items: Path of a field -> the written item it feeds.
        faults: What was found.
    """

    entry: Entry
    file: str = ""
    definition: Definition | None = None
    items: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @cached_property
    def lists(self) -> Mapping[str | None, list[Choice]]:
        """The form's choices by list."""
        lists: dict[str | None, list[Choice]] = {}
        for choice in self.definition.choices if self.definition else ():
            lists.setdefault(choice.choice_list, []).append(choice)
        return lists

    def with_derived(self, instrument: Instrument) -> tuple[Instrument, Form | None]:
        """The instrument with an item for every other question of its form, and the form."""
        if self.definition is None:
            return instrument, None
        others = [
            one
            for one in self.definition.fields
            if one.path not in self.items and one.type != "none" and not one.is_identifier
        ]
        ids = item_ids(others, instrument.items)
        derived = {}
        claimed: set[str] = set()
        for one in others:
            # Two questions may bear one name in exports; the first of them keeps it.
            columns = [column for column in one.columns if column not in claimed]
            claimed.update(columns)
            if columns:
                data = item_data(one, self.lists.get(one.choice_list, []), instrument.missing)
                derived[ids[one.path]] = DerivedItem(question=columns, **data)
        ids = {path: name for path, name in ids.items() if name in derived}
        whole = instrument.model_copy(update={"items": {**instrument.items, **derived}})
        return whole, Form(self.file, self.definition, {**self.items, **ids})


def complete(entry: Entry, folder: Path) -> Completion:
    """An instrument's entry, completed from the definition it names; without one, as it is."""
    name = entry.data.get("definition")
    if not isinstance(name, str):
        return Completion(entry)
    found = Completion(entry, name)
    try:
        found.definition = read_definition(folder / name)
    except ExportFault as fault:
        remedy = fault.remedy if fault.remedy.endswith(KNOWN) else f"{fault.remedy}; known are {KNOWN}"
        found.faults.append(_fault(entry, "definition", f"'{name}': {fault.message}", remedy))
        return found
    found.faults += _noted(found.definition, name)
    items = entry.data.get("items")
    written = items if isinstance(items, dict) else {}
    whole = {key: _item(found, key, data) for key, data in written.items()}
    if items is None or isinstance(items, dict):
        found.entry = replace(entry, data=entry.data | {"items": whole})
    found.faults += _undeclared_missing(found)
    return found


def _item(found: Completion, key: str, data: Any) -> Any:
    """One written item, completed; what is no mapping is left to the model to refuse."""
    data = {} if data is None else data
    definition = found.definition
    if not isinstance(data, dict) or definition is None:
        return data
    own, code = _asked(definition, found.lists, key, data.get("question"))
    if own is None:
        found.faults.append(_not_asked(found.entry, definition, key, data))
        return data
    if code is not None:
        return {"type": "boolean"} | data
    missing = found.entry.data.get("missing")
    codes = set(missing) if isinstance(missing, dict) else set()
    choices = found.lists.get(own.choice_list, [])
    found.items.setdefault(own.path, key)
    if problem := contradiction(data, own, choices, codes):
        remedy = f"correct the type, or the question: the form has '{own.path}' in line {own.line}"
        found.faults.append(_fault(found.entry, f"items.{key}.type", problem, remedy, "warning"))
    return {"question": list(own.columns)} | item_data(own, choices, codes, data)


def _not_asked(entry: Entry, definition: Definition, key: str, data: Mapping[str, Any]) -> Fault:
    """The fault of an item whose question the form does not have; a warning where the YAML says enough."""
    questions = data.get("question")
    asked = key if questions is None else ", ".join(map(str, _listed(questions)))
    alike = [one.path for one in definition.fields if one.name == asked]
    names = [name for one in definition.fields for name in (one.path, one.name)]
    message = f"the form has no question '{asked}'"
    remedy = f"{suggestion(asked, names)}; or give the item its question and type"
    if len(alike) > 1:
        message = f"the form has several questions '{asked}'"
        remedy = f"write the question's path: {' or '.join(alike)}"
    at = f"items.{key}" + ("" if questions is None else ".question")
    is_enough = questions is not None and "type" in data
    return _fault(entry, at, message, remedy, "warning" if is_enough else "error")


def _asked(
    definition: Definition, lists: Mapping[str | None, list[Choice]], key: str, questions: Any
) -> tuple[Field | None, str | None]:
    """The field an item reads, and the code where it reads one option of a multiple select only."""
    by_column = {column: one for one in definition.fields for column in one.columns}
    by_path = {one.path: one for one in definition.fields}
    if questions is None:
        named = [one for one in definition.fields if one.name == key] or [
            one for one in definition.fields if key in (slug(one.name), slug(one.path))
        ]
        return (named[0], None) if len(named) == 1 else (by_path.get(key), None)
    for question in map(str, _listed(questions)):
        if one := by_path.get(question) or by_column.get(question):
            return one, None
    options = {
        f"{column}{sign}{choice.code}": (one, choice.code)
        for one in definition.fields
        if one.type == "select_multiple"
        for choice in lists.get(one.choice_list, ())
        for column in one.columns
        for sign in _BETWEEN
    }
    matches = [options[question] for question in map(str, _listed(questions)) if question in options]
    return matches[0] if matches else (None, None)


def _noted(definition: Definition, file: str) -> Iterator[Fault]:
    for note in definition.notes:
        line = int(found[1]) if (found := _LINE.search(note)) else 1
        remedy = "mend the form if it matters; the rest of it is used"
        yield Fault(file, line, "definition", note, remedy, "warning")


def _undeclared_missing(found: Completion) -> Iterator[Fault]:
    """Codes that the form calls missing and the instrument does not: they would count as answers."""
    missing = found.entry.data.get("missing")
    declared: Mapping[str, Any] = missing if isinstance(missing, dict) else {}
    meanings: dict[str, str] = {}
    asked: dict[str, list[str]] = {}
    for one in found.definition.fields if found.definition else ():
        for code, meaning in one.missing.items():
            if code not in declared:
                meanings.setdefault(code, meaning)
                asked.setdefault(code, []).append(one.name)
    for code, names in asked.items():
        several = f"'{names[0]}'" + (f" and {len(names) - 1} others" if len(names) > 1 else "")
        message = f"the form says that {code} is no answer to {several}, the instrument does not"
        remedy = f'add missing: {{"{code}": {slug(meanings[code] or "missing")}}}'
        yield _fault(found.entry, "missing", message, remedy, "warning")


def _listed(questions: Any) -> list[Any]:
    return questions if isinstance(questions, list) else [questions]


def _fault(entry: Entry, path: str, message: str, remedy: str, severity: Severity = "error") -> Fault:
    return Fault(entry.file, entry.line_of(path), f"instrument.{path}", message, remedy, severity)
