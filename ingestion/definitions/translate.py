"""Translates a form's own rules, whatever its language, into Sitewise's expression language.

In: a `Definition`, and which of its fields are items of an instrument. Out: one `Translated` per
constraint, relevance and requirement of the form, translated or with the reason why not; none is left out.
What the expressions mean in SQL, and whether their items reached the lake, is not known here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ingestion.definitions.field import Definition, Field, Language
from ingestion.definitions.limesurvey_logic import translate_limesurvey
from ingestion.definitions.logic import Term, Untranslatable, both, truth_of
from ingestion.definitions.qualtrics_logic import translate_qualtrics
from ingestion.definitions.redcap_logic import translate_redcap
from ingestion.definitions.references import FieldReferences
from ingestion.definitions.xpath import translate_xpath

Kind = Literal["constraint", "relevance", "required"]

_LANGUAGES: Mapping[Language, Callable[[str, FieldReferences], Term]] = {
    "xlsform": translate_xpath,
    "odk_xml": translate_xpath,
    "redcap": translate_redcap,
    "limesurvey": translate_limesurvey,
    "qualtrics": translate_qualtrics,
}
# What the forms of each language write where a question must always be answered.
_ALWAYS = ("", "yes", "y", "true", "true()", "1")
_NEVER = ("no", "n", "false", "false()", "0")


@dataclass(frozen=True)
class Translated:
    """One rule of the form.

    Attributes:
        path: Path of the field it belongs to.
        kind: constraint: what an answer must satisfy; relevance: when the question is asked; required: when
            it must be answered, its relevance included.
        source_text: The rule in the form's own language.
        expression: The rule in Sitewise's expression language, over items as the form saw them; or None.
        why: Why it could not be translated; None where it was.
    """

    path: str
    kind: Kind
    source_text: str
    expression: str | None
    why: str | None


def translate(definition: Definition, items: Mapping[str, str]) -> list[Translated]:
    """Every rule of a form, in the form's order.

    Args:
        definition: The form.
        items: Path of a field -> the item of the instrument that it feeds.
    """
    references = FieldReferences.of(definition, items)
    return [
        rule for field in definition.fields for rule in _rules(field, definition, references.of_field(field))
    ]


def _rules(field: Field, definition: Definition, references: FieldReferences) -> Iterator[Translated]:
    def term(text: str) -> Term:
        return _LANGUAGES[definition.language](text, references)

    def rule(kind: Kind, text: str, build: Callable[[], Term]) -> Translated:
        try:
            references.itself()
            built = build()
            _check_leaning(kind, built)
        except Untranslatable as problem:
            return Translated(field.path, kind, text, None, problem.why)
        return Translated(field.path, kind, text, built.text, None)

    constraint, relevance = (field.constraint or "").strip(), (field.relevance or "").strip()
    if constraint:
        yield rule("constraint", constraint, lambda: term(constraint))
    if relevance:
        yield rule("relevance", relevance, lambda: term(relevance))
    required = (field.required or "").strip()
    is_always = field.is_required and required.lower() in _ALWAYS
    if field.type != "none" and (is_always or required.lower() not in (*_ALWAYS, *_NEVER)):
        parts = [text for text in (relevance, "" if is_always else required) if text]
        yield rule("required", required or "true()", lambda: _all(parts, term))


def _all(parts: list[str], term: Callable[[str], Term]) -> Term:
    whole = truth_of(True)
    for place, text in enumerate(parts):
        whole = both("and", whole, term(text)) if place else term(text)
    return whole


def _check_leaning(kind: Kind, built: Term) -> None:
    # A constraint may be looser than the form's, which hides an answer, but never tighter, which accuses one.
    if built.leaning == "exact" or (kind == "constraint" and built.leaning == "lenient"):
        return
    raise Untranslatable("it depends on the day of the interview, of which only a latest date is known")
