"""What the labels of an SPSS or Stata file say of its variables, as a form definition.

In: the path of a `.sav` or `.dta`, mostly the export itself. Out: `Definition` in the language `labels`,
which has no expressions: such files carry no constraints and no skip logic. Cells are looked at, never handed
on.

A variable is a choice where it has labels for codes that are answers, and all its answers have one. Where
some have none (an age of which only 98, "98 and more", is labelled), it keeps its type, and a note says so.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ingestion.definitions.field import Choice, Definition, Field, FieldType
from ingestion.export_fault import ExportFault
from ingestion.formats.spss_stata import LabelledFile, Program, Variable, code_text, read_labelled

_PROGRAMS: dict[str, Program] = {".sav": "spss", ".zsav": "spss", ".dta": "stata"}


def read_value_labels(path: Path) -> Definition:
    """Reads the variables of a `.sav`, `.zsav` or `.dta` file.

    Raises:
        ExportFault: The file is of another kind, cut off, or damaged.
    """
    program = _PROGRAMS.get(path.suffix.lower())
    if program is None:
        raise ExportFault(
            path.name, "labels are read from .sav, .zsav and .dta files", "name such a file, or an XLSForm"
        )
    labelled = read_labelled(path, path.name, program)
    fields: list[Field] = []
    choices: dict[tuple[str, str], Choice] = {}
    notes: list[str] = []
    for line, variable in enumerate(labelled.variables, start=1):
        missing = dict(_missing(variable))
        answers = {code: label for code, label in variable.labels.items() if code not in missing}
        unlabelled = _unlabelled(labelled, variable, answers.keys() | missing.keys())
        is_choice = bool(answers) and not unlabelled
        if answers and unlabelled:
            notes.append(f"{variable.name}: {unlabelled} answers have no label, so it is no list of choices")
        notes += [
            f"{variable.name}: declares a range of missing codes, of which only the labelled ones are known"
            for low, high in variable.missing
            if low != high
        ]
        choice_list = (variable.label_set or variable.name) if is_choice else None
        if choice_list:
            for code, label in answers.items():
                choices.setdefault((choice_list, code), Choice(choice_list, code, {"": label}))
        kind: FieldType = "select_one" if is_choice else variable.kind
        fields.append(
            Field(
                name=variable.name,
                path=variable.name,
                type=kind,
                choice_list=choice_list,
                labels={"": variable.label} if variable.label else {},
                columns=(variable.name,),
                missing=missing,
                line=line,
            )
        )
    title = labelled.title or path.stem
    return Definition("labels", title, "", tuple(fields), tuple(choices.values()), tuple(notes))


def _missing(variable: Variable) -> Iterator[tuple[str, str]]:
    """Codes of no answer and their meaning: single codes, labelled codes within ranges, Stata's letters."""
    for low, high in variable.missing:
        if low == high:
            code = low if isinstance(low, str) else code_text(low)
            yield code, variable.labels.get(code, "missing")
    for code, label in variable.labels.items():
        if variable.kind != "text" and (code.startswith(".") or _within(float(code), variable)):
            yield code, label
    for code in variable.tags:
        yield code, variable.labels.get(code, "missing")


def _within(value: float, variable: Variable) -> bool:
    return any(low <= value <= high for low, high in variable.missing)  # type: ignore[operator]


def _unlabelled(labelled: LabelledFile, variable: Variable, known: set[str]) -> int:
    """How many filled cells hold a code that is neither labelled nor missing; ranges count as missing."""
    cell = pl.col(variable.name)
    told = labelled.text.cells.filter(cell.is_not_null() & ~cell.is_in(sorted(known))).select(cell).collect()
    if variable.kind == "text" or not variable.missing:
        return told.height
    numbers = told.to_series().cast(pl.Float64, strict=False)
    return sum(1 for number in numbers if number is None or not _within(number, variable))
