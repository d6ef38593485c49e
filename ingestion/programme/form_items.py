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

YES, NO = ("1", "yes", "true", "TRUE", "True"), ("0", "no", "false", "FALSE", "False")
_LONGEST_ID = 80
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


def item_data(field: Field, choices: Sequence[Choice], missing: Collection[str]) -> dict[str, Any]:
    """An item's YAML fields, `question` excepted, as the form has them.

    Args:
        field: A field that holds answers.
        choices: The choices of its list.
        missing: Codes that the instrument calls missing, which are no answers.
    """
    listed = {
        choice.code: label(choice.labels) or choice.code for choice in choices if choice.code not in missing
    }
    item_type = _TYPES.get(field.type, "text")
    data: dict[str, Any] = {"type": item_type}
    if item_type.startswith("select_"):
        # Without its list, any code may be an answer.
        extra: dict[str, Any] = {"choices": listed} if listed else {"type": "text"}
        data |= extra
    if item_type == "boolean":
        data["yes"] = [code for code in YES if code not in missing]
        data["no"] = [code for code in NO if code not in missing]
    if item_type in ("integer", "number"):
        is_range = field.low is None or field.high is None or field.low <= field.high
        limits = {"min": field.low, "max": field.high} if is_range else {}
        data |= {name: limit for name, limit in limits.items() if limit is not None}
        data |= {"unit": field.unit} if field.unit else {}
    if field.is_required and field.relevance is None:
        data["required"] = True
    return data


def completed(data: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """An item's YAML with what the form says where the YAML says nothing."""
    item_type = data.get("type", said["type"])
    fitting = {"type", "required"}
    if str(item_type).startswith("select_"):
        fitting |= {"choices"}
    if item_type in ("integer", "number", "amount"):
        fitting |= {"min", "max", "unit"}
    if item_type == "boolean" and not {"yes", "no"} & set(data):
        fitting |= {"yes", "no"}
    return {name: value for name, value in said.items() if name in fitting} | dict(data)


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
