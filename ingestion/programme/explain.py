"""Turns what a model refuses into faults: the line, the field, and what to write instead.

In: an entry and the model it should fit. Out: the validated value, or faults. No file is read here.
"""

import difflib
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ingestion.programme.entries import Entry
from ingestion.programme.faults import Fault

Model = TypeVar("Model", bound=BaseModel)

_SHAPES = {
    "string_pattern_mismatch": "write lower-case letters, digits and underscores, a letter first",
    "string_type": "write text; put numbers and dates in quotes",
    "string_too_short": "write at least one character",
    "model_type": "write fields below it: {field: value}",
    "dict_type": "write a mapping: {code: word}",
    "list_type": "write a list: [a, b]",
    "too_short": "write at least one",
}


def validated(entry: Entry, model: type[Model], kind: str) -> tuple[Model | None, list[Fault]]:
    """The entry as that model, or None with every fault; `kind` heads the faults' field paths."""
    try:
        return model.model_validate(entry.data), []
    except ValidationError as error:
        return None, [_fault(entry, model, kind, detail) for detail in error.errors(include_input=False)]


def suggestion(name: str, known: Iterable[str]) -> str:
    """A remedy for a name that is unknown: the closest known one, or the list of them."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1)
    listed = f"write one of {', '.join(names[:20])}" if names else "declare it first: none is declared"
    return f"did you mean '{close[0]}'? Otherwise {listed}" if close else listed


def _fault(entry: Entry, model: type[BaseModel], kind: str, detail: ErrorDetails) -> Fault:
    context = detail.get("ctx", {})
    parts = [str(part) for part in detail["loc"] if part != "[key]"]
    parts += [context["at"]] if context.get("at") else []
    path = ".".join(parts)
    message, remedy = _words(entry, model, detail, parts)
    return Fault(entry.file, entry.line_of(path), f"{kind}.{path}" if path else kind, message, remedy)


def _words(entry: Entry, model: type[BaseModel], detail: ErrorDetails, parts: list[str]) -> tuple[str, str]:
    name, error, context = (parts or [""])[-1], detail["type"], detail.get("ctx", {})
    if error == "refused":
        return context["message"], context["remedy"]
    if error == "extra_forbidden":
        return f"the field '{name}' is unknown", suggestion(name, _fields(model, parts[:-1]))
    if error == "missing":
        return f"the field '{name}' is missing", _described(model, parts, f"add '{name}'")
    if error == "literal_error":
        known = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
        written = _written(entry, parts)
        shown = f"'{written}'" if isinstance(written, str) else "this value"
        return f"{shown} is not known here", suggestion(str(written), known)
    message = detail["msg"][:1].lower() + detail["msg"][1:]
    return message, _SHAPES.get(error) or _described(model, parts, "correct the value")


def _written(entry: Entry, parts: list[str]) -> Any:
    value: Any = entry.data
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part)
        else:
            value = value[int(part)] if isinstance(value, list) else None
    return value


def _described(model: type[BaseModel], parts: list[str], remedy: str) -> str:
    owner = _model_at(model, parts[:-1])
    for name, info in owner.model_fields.items() if owner else ():
        if parts and (info.alias or name) == parts[-1] and info.description:
            return f"{remedy}: {info.description.rstrip('.')}"
    return remedy


def _fields(model: type[BaseModel], parts: list[str]) -> list[str]:
    owner = _model_at(model, parts)
    return [info.alias or name for name, info in owner.model_fields.items()] if owner else []


def _model_at(model: type[BaseModel], parts: list[str]) -> type[BaseModel] | None:
    kind: Any = model
    for part in parts:
        kind = _bare(kind)
        if get_origin(kind) in (list, dict):
            kind = get_args(kind)[-1]
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            named = {info.alias or name: info.annotation for name, info in kind.model_fields.items()}
            kind = named.get(part)
    kind = _bare(kind)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _bare(kind: Any) -> Any:
    while get_origin(kind) in (Annotated, Union, UnionType):
        kind = next((arg for arg in get_args(kind) if arg is not type(None)), None)
    return kind
