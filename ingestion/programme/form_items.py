"""What a field of a form says as an item: its type, choices, limits, unit, and whether it must be answered.

In: a field, the form's choices, and the codes that the instrument calls missing. Out: an item's YAML fields
as plain data, and words on where YAML and form contradict each other. No YAML file is known here.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

from ingestion.definitions.field import Choice, Field, FieldType
from ingestion.programme.words import ItemType

YES = ("1", "yes", "true", "TRUE", "True", "Y", "y")
NO = ("0", "no", "false", "FALSE", "False", "N", "n")
_LONGEST_ID = 80
_YES_WORDS = {"yes", "oui", "sí", "si", "sim", "ja", "da", "ndiyo", "evet", "ya", "نعم", "true"}
_NO_WORDS = {"no", "non", "não", "nao", "nein", "nee", "ne", "hapana", "hayır", "tidak", "لا", "false"}
_TYPES: Mapping[FieldType, ItemType] = {
    "text": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "select_one": "select_one",
    "select_multiple": "select_multiple",
    "date": "date",
    # A time of day has no type of its own, and a date would lose it.
    "time": "text",
    "datetime": "text",
    "location": "text",
    "attachment": "text",
}
_AS_TEXT: tuple[ItemType, ...] = ("text",)
_FITTING: Mapping[FieldType, Collection[ItemType]] = {
    "integer": ("integer", "number", "amount", "text", "boolean", "select_one"),
    "number": ("number", "amount", "text"),
    "boolean": ("boolean", "integer", "number", "select_one", "text"),
    "select_one": ("select_one", "boolean", "integer", "number", "text"),
    "select_multiple": ("select_multiple", "text"),
    "date": ("date", "text"),
    "datetime": ("date", "text"),
    "time": _AS_TEXT,
    "location": _AS_TEXT,
    "attachment": _AS_TEXT,
}


def item_data(
    field: Field, choices: Sequence[Choice], missing: Collection[str], written: Mapping[str, Any] = {}
) -> dict[str, Any]:
    """An item's YAML fields, `question` excepted: what was written, and for the rest what the form says.

    A choice between yes and no alone is a boolean.

    Args:
        field: A field that holds answers.
        choices: The choices of its list.
        missing: Codes that the instrument calls missing, which are no answers.
        written: The item's YAML, which wins.
    """
    answers = [choice for choice in choices if choice.code not in missing]
    item_type = written.get("type") or _item_type(field, answers)
    said: dict[str, Any] = {"type": item_type}
    if str(item_type).startswith("select_"):
        said["choices"] = {choice.code: label(choice.labels) or choice.code for choice in answers}
    if item_type == "boolean" and not {"yes", "no"} & set(written):
        said["yes"] = [code for code in YES if code not in missing]
        said["no"] = [code for code in NO if code not in missing]
    if item_type in ("integer", "number", "amount"):
        is_range = field.low is None or field.high is None or field.low <= field.high
        limits = (
            {"min": field.low, "max": field.high, "unit": field.unit} if is_range else {"unit": field.unit}
        )
        said |= {name: value for name, value in limits.items() if value is not None}
    if field.is_required and field.relevance is None:
        said["required"] = True
    return said | dict(written)


def _item_type(field: Field, answers: Sequence[Choice]) -> ItemType:
    if field.type == "select_one" and _is_yes_or_no(answers):
        return "boolean"
    # Without its list, any code may be an answer.
    is_open = field.type in ("select_one", "select_multiple") and not answers
    return "text" if is_open else _TYPES.get(field.type, "text")


def _is_yes_or_no(answers: Sequence[Choice]) -> bool:
    """Whether there are two choices, one of yes and one of no; of 1 and 0 the labels must say so."""
    yes = [choice for choice in answers if choice.code in YES]
    no = [choice for choice in answers if choice.code in NO]
    if not len(yes) == len(no) == 1 or len(answers) != 2:
        return False
    words = (_words(yes[0]) & _YES_WORDS, _words(no[0]) & _NO_WORDS)
    return all(words) or (not yes[0].code.isdecimal() and not no[0].code.isdecimal())


def _words(choice: Choice) -> set[str]:
    return {text.strip().strip(".!").lower() for text in choice.labels.values()}


def contradiction(
    data: Mapping[str, Any], field: Field, choices: Sequence[Choice], missing: Collection[str]
) -> str:
    """Where an item's YAML cannot be what the form asks, in words; or nothing."""
    item_type = data.get("type")
    codes = [choice.code for choice in choices if choice.code not in missing]
    if field.type == "none":
        return "the form asks nothing there: it is a note"
    if item_type in (None, "text") or field.type == "text":
        return ""
    if item_type not in _FITTING[field.type]:
        return f"the item is {item_type}, but the form asks it as {field.type}"
    if item_type in ("integer", "number") and field.type == "select_one":
        worded = [code for code in codes if not re.fullmatch(r"-?\d+(\.\d+)?", code)]
        return f"the item is {item_type}, but the form's codes are words: {_some(worded)}" if worded else ""
    if item_type == "boolean" and field.type == "select_one":
        known = {*data.get("yes", YES), *data.get("no", NO)}
        other = [code for code in codes if code not in known]
        return f"the form's choices mean neither yes nor no: {_some(other)}" if other else ""
    return ""


def label(labels: Mapping[str, str]) -> str:
    """A label in the form's default language, which comes first."""
    return labels.get("") or next(iter(labels.values()), "")


def item_ids(fields: Sequence[Field], taken: Collection[str]) -> dict[str, str]:
    """An id for each field, by path: its name, or its path where the name is not its own.

    Args:
        fields: Fields that are to become items.
        taken: Ids that the YAML uses already.
    """
    short = [slug(field.name) for field in fields]
    ids: dict[str, str] = {}
    used = set(taken)
    for field, name in zip(fields, short, strict=True):
        own = name if short.count(name) == 1 and name not in taken else slug(field.path)
        if own in used:
            own = f"{own[: _LONGEST_ID - 9]}_{_digest(field.path)}"
        used.add(own)
        ids[field.path] = own
    return ids


def slug(name: str) -> str:
    """A name as an id: lower-case letters, digits and single underscores, a letter first."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not words:
        return f"q_{_digest(name)}"
    words = words if words[0].isalpha() else f"q_{words}"
    return words if len(words) <= _LONGEST_ID else f"{words[: _LONGEST_ID - 9]}_{_digest(name)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


def _some(codes: Sequence[str]) -> str:
    return ", ".join(codes[:5]) + (" and others" if len(codes) > 5 else "")
