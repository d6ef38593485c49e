"""What every form language's logic is made of, said in Sitewise's own expression language.

In: operands and operators as the parsers of the languages meet them. Out: `Term`s, each a piece of
expression text with its kind; or `Untranslatable`, with the reason in words. How a language is spelled is
its parser's matter; what an expression means in SQL is that of the rules.

Answers are text as the form holds it, '' where blank. Comparisons of size read both sides as numbers, and
so do equalities in which one side is a number: what is no number is unequal to everything and neither above
nor below it. That is XPath as phones evaluate it, and what the other languages do with blanks.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["number", "text", "truth", "date"]
# What the type of a question makes of its answer's text.
Reading = Literal["number", "date", "time"]
# How a translation differs from the form: never, only by being true more often, only by being true less
# often, or in a way unknown.
Leaning = Literal["exact", "lenient", "strict", "unknown"]

_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_OPPOSITE: dict[Leaning, Leaning] = {"lenient": "strict", "strict": "lenient"}
# A later day makes "not after it" true more often, and "after it" less often.
_BESIDE_A_LATER_DAY: dict[str, Leaning] = {"<": "lenient", "<=": "lenient", ">": "strict", ">=": "strict"}


class Untranslatable(Exception):
    """An expression that cannot be said in Sitewise's language; the reason reads on after the expression."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


@dataclass(frozen=True)
class Term:
    """A piece of expression.

    Attributes:
        kind: What it gives.
        text: Its text.
        reads_as: For the text of an answer, the kind that its question's type reads it as.
        literal: For a fixed text or number, its value.
        leaning: How it differs from what the form evaluates; for a date: it lies no earlier than the form's.
    """

    kind: Kind
    text: str
    reads_as: Reading | None = None
    literal: str | None = None
    leaning: Leaning = "exact"

    def in_brackets(self) -> "Term":
        """The same, kept together; what is a single piece anyway stays as it is."""
        return replace(self, text=_bracketed(self.text)) if self.kind == "truth" else self


def text_of(value: str) -> Term:
    """A fixed text."""
    return Term("text", "'" + value.replace("'", "''") + "'", literal=value)


def number_of(value: str) -> Term:
    """A fixed number, in digits."""
    return Term("number", value, literal=value)


def truth_of(value: bool) -> Term:
    """True or false."""
    return Term("truth", "true" if value else "false")


def answer_to(item: str, reads_as: Reading | None) -> Term:
    """The answer to a question, as the form holds it."""
    return Term("text", '"' + item.replace('"', '""') + '"', reads_as=reads_as)


# No earlier than the day on which the form was filled in, which no export tells for certain.
TODAY = Term("date", "submitted_on()", leaning="lenient")


def call(name: str, kind: Kind, *given: Term) -> Term:
    """A function of Sitewise's language; its operands must be exact, as nothing is known of how it leans."""
    leaning: Leaning = "exact" if all(term.leaning == "exact" for term in given) else "unknown"
    return Term(kind, f"{name}({', '.join(term.text for term in given)})", leaning=leaning)


def as_text(term: Term) -> Term:
    """The term as text."""
    if term.kind == "text":
        return term
    if term.literal is not None:
        return text_of(term.literal)
    raise Untranslatable(f"it uses a {term.kind} as text")


def as_number(term: Term) -> Term:
    """The term as a number."""
    if term.kind == "number":
        return term
    if term.kind == "truth":
        return call("if", "number", term, number_of("1"), number_of("0"))
    if term.kind == "date" or term.reads_as in ("date", "time"):
        raise Untranslatable(f"it reckons with {'times' if term.reads_as == 'time' else 'dates'}")
    if term.literal is not None and _NUMBER.fullmatch(term.literal.strip()):
        return number_of(term.literal.strip())
    return call("number", "number", term)


def as_date(term: Term) -> Term:
    """The term as a date."""
    if term.kind == "date":
        return term
    if term.kind != "text" or term.reads_as in ("number", "time"):
        raise Untranslatable(f"it compares a date with a {term.reads_as or term.kind}")
    if term.literal is not None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", term.literal):
        raise Untranslatable("it compares a date with a text that is none")
    return call("date_of", "date", term)


def as_truth(term: Term) -> Term:
    """The term as a truth: a number that is not zero, a text that is not blank."""
    if term.kind == "truth":
        return term
    if term.kind == "date":
        raise Untranslatable("it uses a date as a truth")
    if term.kind == "number" and term.literal is not None:
        return truth_of(float(term.literal) != 0)
    if term.kind == "number" or term.reads_as == "number":
        number = as_number(term)
        return both("and", compared("=", number, number), compared("<>", number, number_of("0")))
    return compared("<>", term, text_of(""))


def negated(term: Term) -> Term:
    """Not the term."""
    truth = as_truth(term)
    leaning = _OPPOSITE.get(truth.leaning, truth.leaning)
    return Term("truth", f"not {_bracketed(truth.text)}", leaning=leaning)


def both(word: Literal["and", "or"], left: Term, right: Term) -> Term:
    """Two truths joined."""
    left, right = as_truth(left), as_truth(right)
    leanings = {left.leaning, right.leaning} - {"exact"}
    leaning: Leaning = leanings.pop() if len(leanings) == 1 else "unknown" if leanings else "exact"
    return Term("truth", f"{_grouped(left, word)} {word} {_grouped(right, word)}", leaning=leaning)


def if_else(condition: Term, yes: Term, no: Term) -> Term:
    """One of two terms of like kind."""
    yes, no = _alike(yes, no)
    return call("if", yes.kind, as_truth(condition), yes, no)


def reckoned(sign: str, left: Term, right: Term) -> Term:
    """Two numbers reckoned with: + - * / %."""
    left, right = as_number(left), as_number(right)
    leaning: Leaning = "exact" if {left.leaning, right.leaning} == {"exact"} else "unknown"
    return Term("number", f"({left.text} {sign} {right.text})", leaning=leaning)


def minus(term: Term) -> Term:
    """The number with the other sign."""
    number = as_number(term)
    if number.literal is not None:
        value = number.literal.removeprefix("-") if number.literal.startswith("-") else f"-{number.literal}"
        return number_of(value)
    return Term("number", f"(-{number.text})", leaning=number.leaning)


def compared(sign: str, left: Term, right: Term) -> Term:
    """Two terms compared by one of = <> < <= > >=."""
    if sign in ("=", "<>"):
        return _equated(sign, left, right)
    if _is_date(left) or _is_date(right):
        return _written(sign, as_date(left), as_date(right))
    return _written(sign, as_number(left), as_number(right))


def _equated(sign: str, left: Term, right: Term) -> Term:
    if "truth" in (left.kind, right.kind):
        return _written(sign, as_truth(left), as_truth(right))
    if left.literal == "" or right.literal == "":
        return _written(sign, as_text(left), as_text(right))
    if _is_date(left) or _is_date(right):
        return _written(sign, as_date(left), as_date(right))
    numbers = [term.kind == "number" or term.reads_as == "number" for term in (left, right)]
    # A question of numbers beside a word: only as text can the two be alike.
    is_worded = any(term.literal is not None and not _is_number(term) for term in (left, right))
    if any(numbers) and not is_worded:
        return _written(sign, as_number(left), as_number(right))
    return _written(sign, as_text(left), as_text(right))


def _written(sign: str, left: Term, right: Term) -> Term:
    sides = [side.in_brackets().text for side in (left, right)]
    return Term("truth", f" {sign} ".join(sides), leaning=_leaning(sign, left, right))


def _leaning(sign: str, left: Term, right: Term) -> Leaning:
    if left.leaning == right.leaning == "exact":
        return "exact"
    if left.leaning == "lenient" and right.leaning == "exact":
        return _leaning(_MIRRORED[sign], right, left)
    if left.leaning == "exact" and right.leaning == "lenient" and right.kind == "date":
        return _BESIDE_A_LATER_DAY.get(sign, "unknown")
    return "unknown"


def _alike(yes: Term, no: Term) -> tuple[Term, Term]:
    if "truth" in (yes.kind, no.kind):
        return as_truth(yes), as_truth(no)
    if all(term.kind == "number" or term.reads_as == "number" for term in (yes, no)):
        return as_number(yes), as_number(no)
    if all(term.kind == "date" for term in (yes, no)):
        return yes, no
    return as_text(yes), as_text(no)


def _is_date(term: Term) -> bool:
    return term.kind == "date" or term.reads_as == "date"


def _is_number(term: Term) -> bool:
    return term.literal is not None and _NUMBER.fullmatch(term.literal.strip()) is not None


def _grouped(term: Term, word: str) -> str:
    # Chains of one word stay flat; anything else stands in brackets of its own.
    other = " or " if word == "and" else " and "
    return _bracketed(term.text) if other in term.text else term.text


def _bracketed(text: str) -> str:
    """The text between brackets, of which a first pair that spans it all is enough."""
    depth = 0
    for place, letter in enumerate(re.sub(r"'[^']*'|\"[^\"]*\"", lambda found: "_" * len(found[0]), text)):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text if letter == ")" and place == len(text) - 1 else f"({text})"
    return f"({text})"
