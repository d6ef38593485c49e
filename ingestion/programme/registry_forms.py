"""Registry rows of form definitions: their fields, choices, and rules in Sitewise's expression language.

In: a `Programme`, whose instruments name forms. Out: rows by table; none where no instrument does. How a rule
is translated and what it counts is not known here.
"""

from collections.abc import Iterator

from ingestion.definitions.translate import translate
from ingestion.programme.form import Form
from ingestion.programme.form_items import label
from ingestion.programme.model import Programme
from ingestion.programme.registry_schemas import Row


def form_rows(programme: Programme) -> dict[str, list[Row]]:
    """Rows of `form_fields`, `form_choices` and `form_expressions`.

    A field that is no item, since it identifies or is a note, has a null `item`; its rules, which cannot be
    judged, are listed all the same.
    """
    forms = sorted(programme.forms.items())
    return {
        "form_fields": [row for name, form in forms for row in _fields(name, form)],
        "form_choices": [
            {
                "instrument": name,
                "choice_list": choice.choice_list,
                "code": choice.code,
                "label": label(choice.labels) or choice.code,
            }
            for name, form in forms
            for choice in form.definition.choices
        ],
        "form_expressions": [row for name, form in forms for row in _expressions(name, form)],
    }


def _fields(instrument: str, form: Form) -> Iterator[Row]:
    same_names = ("path", "name", "choice_list", "is_required", "unit", "is_identifier", "repeat", "line")
    for field in form.definition.fields:
        yield {
            **{name: getattr(field, name) for name in same_names},
            "instrument": instrument,
            "item": form.items.get(field.path),
            "field_type": field.type,
            "constraint_text": field.constraint,
            "relevance_text": field.relevance,
            "required_text": field.required,
            "low_value": field.low,
            "high_value": field.high,
            "label": label(field.labels) or None,
        }


def _expressions(instrument: str, form: Form) -> Iterator[Row]:
    lines = {field.path: field.line for field in form.definition.fields}
    for rule in translate(form.definition, form.items):
        yield {
            "instrument": instrument,
            "path": rule.path,
            "item": form.items.get(rule.path),
            "kind": rule.kind,
            "source_text": rule.source_text,
            "expression": rule.expression,
            "why_untranslated": rule.why,
            "line": lines[rule.path],
        }
