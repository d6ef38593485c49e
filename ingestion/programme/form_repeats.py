"""The repeats that an export writes side by side, told by the form of the source's instrument.

In: a source and the programme's forms. Out: the source with its repeats, where its platform writes them as
numbered columns and the YAML names none. Folding columns into rows is the task of `formats.wide_repeats`.
"""

from collections.abc import Mapping

from ingestion.definitions.field import Field
from ingestion.programme.form import Form
from ingestion.programme.model_sources import Repeat, Source

# Platforms whose exports number a question's columns, one for each row of its repeat.
_SIDE_BY_SIDE = frozenset({"surveycto"})


def with_form_repeats(source: Source, forms: Mapping[str, Form]) -> Source:
    """The source with the repeats of its form; as it is where YAML tells them or there are none."""
    form = forms.get(source.instrument or "")
    if source.platform not in _SIDE_BY_SIDE or source.repeats or form is None:
        return source
    return source.model_copy(update={"repeats": form_repeats(form.definition.fields)})


def form_repeats(fields: tuple[Field, ...]) -> dict[str, Repeat]:
    """Repeats by their own name, or by their path where two share a name."""
    questions: dict[str, list[str]] = {}
    for field in fields:
        if field.repeat and field.type != "none":
            questions.setdefault(field.repeat, []).append(field.name)
    names = {path: path.rpartition("/")[2] for path in questions}
    names = {
        path: name if list(names.values()).count(name) == 1 else path.replace("/", "-")
        for path, name in names.items()
    }
    return {
        names[path]: Repeat(questions=asked, within=_around(path, names)) for path, asked in questions.items()
    }


def _around(path: str, names: Mapping[str, str]) -> str | None:
    """The innermost of these repeats that a repeat lies in."""
    while path := path.rpartition("/")[0]:
        if path in names:
            return names[path]
    return None
