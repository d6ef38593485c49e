"""Qualtrics surveys (QSF): their questions in the order in which they are asked, with codes and conditions.

In: a `.qsf` file, or the survey's definition as the API gives it in the same shape. Out: `Definition`. What
columns a question fills is `qsf_question`'s matter, what a condition means the translator's.

Conditions are the survey's own JSON, verbatim: `relevance` is a question's `DisplayLogic`; where the row of a
matrix, or the branch of the survey's flow that the question lies in, has one of its own, it is `{"AllOf":
[...]}` of them all. `constraint` is the logic of a custom validation. Conditions point to questions and
choices by `q://QID1/SelectableChoice/2`, which is the field whose path is `QID1` and the choice whose
`number` is 2.

What may hide a question otherwise (skip logic, randomizers that show a part, an end of the survey within a
branch, loops, a block that stands in several places) is noted, and what it may hide is not called required.
Questions of the trash block are left out and noted.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ingestion.definitions.field import Choice, Definition, Field
from ingestion.definitions.qsf_flow import Place, embedded, payloads, placed_blocks
from ingestion.definitions.qsf_question import Question
from ingestion.definitions.qsf_values import mapping, plain
from ingestion.export_fault import ExportFault

_UNSHOWN = ("Trash",)


def read_qsf(path: Path) -> Definition:
    """Reads a survey.

    Raises:
        ExportFault: It is no QSF.
    """
    try:
        survey = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _no_qsf(path, "it is not readable JSON") from error
    if isinstance(survey, dict) and isinstance(survey.get("result"), dict):
        survey = survey["result"]
    if not isinstance(survey, dict) or not isinstance(survey.get("SurveyElements"), list):
        raise _no_qsf(path, "it holds no SurveyElements")
    entry = mapping(survey.get("SurveyEntry"))
    elements = [element for element in survey["SurveyElements"] if isinstance(element, dict)]
    notes: list[str] = []
    fields: list[Field] = []
    choices: dict[str, list[Choice]] = {}
    placed = placed_blocks(elements, notes)
    for question, place in _questions(elements, str(entry.get("SurveyLanguage") or ""), placed, notes):
        fields += _asked(question, place, notes)
        for inner in question.inner():
            choices[inner.id] = inner.choice_list()
    fields += (Field(name, name, "text", columns=(name,)) for name in embedded(elements))
    if not fields:
        raise _no_qsf(path, "it holds no question")
    return Definition(
        "qualtrics",
        str(entry.get("SurveyName") or path.stem),
        str(entry.get("LastModified") or ""),
        _with_own_columns(fields),
        tuple(choice for listed in choices.values() for choice in listed),
        tuple(notes),
    )


def _no_qsf(path: Path, message: str) -> ExportFault:
    return ExportFault(
        path.name,
        f"{message}, so it is no Qualtrics survey",
        "export it under Tools, Import/Export, Export Survey",
    )


def _questions(
    elements: list[dict[str, Any]], language: str, placed: Mapping[str, Place], notes: list[str]
) -> Iterator[tuple[Question, Place]]:
    """Questions in the order in which the flow shows their blocks, each with its place."""
    known = {
        str(element.get("PrimaryAttribute")): Question(element["Payload"], language)
        for element in elements
        if element.get("Element") == "SQ" and isinstance(element.get("Payload"), dict)
    }
    ended = ""
    order = {block: place for place, block in enumerate(placed)}
    for block in sorted(_blocks(elements), key=lambda each: order.get(str(each.get("ID")), len(order))):
        name = plain(block.get("Description")) or str(block.get("ID"))
        ids = [step for step in mapping(block.get("BlockElements")).values() if isinstance(step, dict)]
        if block.get("Type") in _UNSHOWN:
            left_out = [str(step["QuestionID"]) for step in ids if step.get("QuestionID") in known]
            if left_out:
                notes.append(f"block {name}: left out, its questions are not asked: {', '.join(left_out)}")
            continue
        place = placed.get(
            str(block.get("ID")), Place([], "" if not placed else "no flow leads to its block")
        )
        if mapping(block.get("Options")).get("Looping") not in (None, "", "None"):
            notes.append(
                f"block {name}: it loops, so that its columns bear the loop's number before their names"
            )
            place = replace(place, why_unsure="its block loops")
        skips = ""
        for step in ids:
            if (question := known.get(str(step.get("QuestionID")))) is not None:
                yield question, replace(place, why_unsure=place.why_unsure or skips or ended)
            if logic := mapping(step.get("SkipLogic")):
                skips = "skip logic may pass over it"
                notes.append(f"{step.get('QuestionID')}: its skip logic is not among the conditions")
                if any(mapping(each).get("SkipToDestination") == "ENDOFSURVEY" for each in logic.values()):
                    ended = "skip logic may end the survey before it"


def _blocks(elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        block
        for payload in payloads(elements, "BL")
        for block in mapping(payload).values()
        if isinstance(block, dict)
    ]


def _asked(question: Question, place: Place, notes: list[str]) -> list[Field]:
    """A question's fields with the conditions on which each is asked."""
    if not question.is_known:
        notes.append(
            f"{question.id}: the columns of {question.type} {question.selector} are not known".strip()
        )
    own = [*place.conditions, question.payload.get("DisplayLogic")]
    checked = mapping(question.settings.get("CustomValidation")).get("Logic")
    fields: list[Field] = []
    for each in question.fields():
        row = each.path.removeprefix(question.id).lstrip("#").split("_")
        choice = mapping(question.choices.get(row[1])) if len(row) > 1 else {}
        relevance = _all_of([*own, choice.get("DisplayLogic")])
        if each.is_required and place.why_unsure:
            notes.append(f"{each.path}: not called required, since {place.why_unsure}")
        fields.append(
            replace(
                each,
                relevance=relevance,
                constraint=_json(checked) if checked else None,
                is_required=each.is_required and not place.why_unsure,
            )
        )
    return fields


def _all_of(conditions: list[Any]) -> str | None:
    """Conditions as one text of JSON."""
    listed = [condition for condition in conditions if condition]
    return None if not listed else _json(listed[0] if len(listed) == 1 else {"AllOf": listed})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _with_own_columns(fields: list[Field]) -> tuple[Field, ...]:
    """The fields with only those names that cannot be another's; today's name goes before older ones.

    Of a name that two questions bear today they keep what files read as: the name with the import id.
    """
    first = Counter(each.columns[0] for each in fields if each.columns)
    claimed = Counter(column for each in fields for column in each.columns)

    def own(each: Field, place: int, column: str) -> Iterator[str]:
        if claimed[column] == 1 or (place == 0 and first[column] == 1):
            yield column
        else:
            yield from (f"{column} ({each.path})", f"{column} ({each.path.replace('_', '-')})")

    return tuple(
        replace(
            each,
            columns=tuple(
                dict.fromkeys(
                    name for place, column in enumerate(each.columns) for name in own(each, place, column)
                )
            ),
        )
        for each in fields
    )
