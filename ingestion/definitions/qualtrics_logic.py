"""Qualtrics' display logic: JSON in which sets of conditions are joined by And and Or.

In: a condition as JSON and what its references mean. Out: a `Term`, or `Untranslatable` for what asks where
and how the survey was opened, what was shown, or what the panel knows of the person.

Facts: `q://QID1/SelectableChoice/2` is the choice whose own number is 2, which exports hold by its code;
`q://QID2/SelectableChoice/1/4` is the answer 4 in row 1 of a matrix; the word that joins a condition to the
one before it is spelled `Conjuction`; And binds more tightly than Or (not verified on a live server).
"""

import json
from collections.abc import Mapping
from typing import Any

from ingestion.definitions.logic import (
    Term,
    Untranslatable,
    as_text,
    as_truth,
    both,
    call,
    compared,
    negated,
    text_of,
)
from ingestion.definitions.references import FieldReferences

_SIGNS = {
    "EqualTo": "=",
    "NotEqualTo": "<>",
    "GreaterThan": ">",
    "GreaterThanOrEqual": ">=",
    "LessThan": "<",
    "LessThanOrEqual": "<=",
}
_ENTRIES = ("ChoiceTextEntryValue", "ChoiceNumericEntryValue", "ChoiceValue")


def translate_qualtrics(text: str, references: FieldReferences) -> Term:
    """A condition as a truth.

    Raises:
        Untranslatable: With the reason.
    """
    try:
        logic = json.loads(text)
    except (ValueError, RecursionError):
        raise Untranslatable("it is not readable JSON") from None
    return as_truth(_logic(logic, references))


def _logic(logic: Any, references: FieldReferences) -> Term:
    if not isinstance(logic, dict):
        raise Untranslatable("it is no condition")
    if isinstance(logic.get("AllOf"), list):
        return _joined([("and", _logic(part, references)) for part in logic["AllOf"]])
    parts = [logic[key] for key in sorted(filter(str.isdigit, logic), key=int)]
    if not parts:
        return _condition(logic, references)
    return _joined([(_word(part), _logic(part, references)) for part in parts])


def _word(part: Any) -> str:
    if not isinstance(part, dict):
        raise Untranslatable("it is no condition")
    # A set says in its type how it follows on the set before it, a condition in a word of its own.
    said = str(part.get("Conjuction") or part.get("Conjunction") or part.get("Type") or "")
    return "or" if said.lower() in ("or", "orif", "elseif") else "and"


def _joined(parts: list[tuple[str, Term]]) -> Term:
    if not parts:
        raise Untranslatable("it holds no condition")
    # Each `or` opens a new group of terms that must all hold.
    groups: list[Term] = []
    for place, (word, term) in enumerate(parts):
        if place == 0 or word == "or":
            groups.append(term)
        else:
            groups[-1] = both("and", groups[-1], term)
    whole = groups[0]
    for group in groups[1:]:
        whole = both("or", whole, group)
    return whole.in_brackets() if len(parts) > 1 else whole


def _condition(logic: Mapping[str, Any], references: FieldReferences) -> Term:
    kind, operator = str(logic.get("LogicType") or ""), str(logic.get("Operator") or "")
    operand, value = str(logic.get("LeftOperand") or ""), str(logic.get("RightOperand") or "")
    if kind == "EmbeddedField":
        return _compared(references.named(operand), operator, value)
    if kind != "Question":
        raise Untranslatable(
            f"it asks about {kind or 'nothing that is known'}, which is not among the answers"
        )
    if not operand.startswith("q://"):
        raise Untranslatable("its operand is no question")
    question, _, asked = operand.removeprefix("q://").partition("/")
    if operator in ("Selected", "NotSelected"):
        chosen = _selected(question, asked, references)
        return chosen if operator == "Selected" else negated(chosen)
    entry, _, part = asked.partition("/")
    if entry not in _ENTRIES:
        raise Untranslatable(
            f"it asks for {entry or 'nothing that is known'} {operator}, which exports do not tell"
        )
    paths = [f"{question}_{part.replace('/', '_')}", f"{question}_{part}_TEXT"] if part else [question]
    for path in paths:
        if path in references.by_path:
            return _compared(references.answer(references.by_path[path]), operator, value)
    raise Untranslatable(f"the survey has no field '{paths[0]}'")


def _selected(question: str, asked: str, references: FieldReferences) -> Term:
    entry, *numbers = asked.split("/")
    if entry not in ("SelectableChoice", "SelectableAnswer") or len(numbers) not in (1, 2):
        raise Untranslatable(f"it asks for {entry or 'nothing that is known'}, which exports do not tell")
    path = question if len(numbers) == 1 else f"{question}_{numbers[0]}"
    field = references.by_path.get(path)
    if field is None:
        raise Untranslatable(f"the survey has no field '{path}'")
    listed = references.choices.get(field.choice_list or "", ())
    codes = [choice.code for choice in listed if choice.number == numbers[-1]]
    if not codes:
        raise Untranslatable(f"'{path}' has no choice {numbers[-1]}")
    return call("selected", "truth", as_text(references.answer(field)), text_of(codes[0]))


def _compared(answer: Term, operator: str, value: str) -> Term:
    if operator in _SIGNS:
        return compared(_SIGNS[operator], answer, text_of(value))
    if operator in ("Empty", "NotEmpty"):
        return compared("=" if operator == "Empty" else "<>", as_text(answer), text_of(""))
    if operator in ("Contains", "DoesNotContain"):
        found = call("contains", "truth", as_text(answer), text_of(value))
        return found if operator == "Contains" else negated(found)
    raise Untranslatable(f"the operator '{operator}' is not translated")
