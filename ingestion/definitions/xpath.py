"""XLSForm's and ODK's logic: the part of XPath that forms use, with the functions of the ODK dialect.

In: an expression and what its references mean. Out: a `Term`, or `Untranslatable` for what looks outside
the record (`pulldata`, `instance`, other repeats), depends on the interview's moment, or is not known here.
"""

from typing import Protocol

from ingestion.definitions.infix import OPERATORS, Functions, Grammar, Reader, compares, reckons
from ingestion.definitions.logic import (
    TODAY,
    Term,
    Untranslatable,
    as_date,
    as_number,
    as_text,
    as_truth,
    call,
    if_else,
    minus,
    negated,
    number_of,
    text_of,
    truth_of,
)


class References(Protocol):
    """What the names in an expression mean for the question it belongs to; each raises Untranslatable."""

    def itself(self) -> Term:
        """The question's own answer."""

    def named(self, name: str) -> Term:
        """The answer to the question of this name."""

    def at(self, path: str) -> Term:
        """The answer to the question at an absolute path, or at one relative to the question."""

    def row(self) -> Term:
        """The number of the repeat's row that the question stands in."""


_SHAPES = {
    "text": r"\"[^\"]*\"|'[^']*'",
    "reference": r"\$\{[^}]*\}",
    "number": r"\d+(?:\.\d*)?|\.\d+",
    "path": r"(?:current\(\s*\)|\.\.|\.)?(?:/(?:\.\.|\.|[^\W\d][\w.-]*))+",
    "self": r"\.\.?",
    "sign": r"!=|<=|>=|[=<>+\-*|(),\[\]]",
    "name": r"[^\W\d][\w.-]*(?::[^\W\d][\w.-]*)?",
}
_BINARY = OPERATORS | {
    "!=": (3, compares("<>")),
    "div": (6, reckons("/")),
    "mod": (6, reckons("%")),
}
_OUTSIDE = {
    name: why
    for names, why in (
        ("pulldata instance search lookup", "looks into a list outside the record"),
        ("indexed-repeat sum count count-non-empty join max min", "looks over the rows of a repeat"),
        ("jr:choice-name jr:itext", "uses the wording of a choice"),
        ("duration random uuid version", "is known only during the interview"),
        ("decimal-date-time date-time decimal-time format-date format-date-time", "reckons with times"),
    )
    for name in names.split()
}


def translate_xpath(text: str, references: References) -> Term:
    """An expression as a truth.

    Raises:
        Untranslatable: With the reason.
    """
    grammar = Grammar(_SHAPES, _BINARY, lambda reader: _operand(reader, references))
    return as_truth(Reader(grammar, text).whole())


def _operand(reader: Reader, references: References) -> Term:
    token = reader.take()
    if token.shape == "text":
        return text_of(token.text[1:-1])
    if token.shape == "number":
        return number_of(token.text.removesuffix("."))
    if token.shape == "reference":
        return references.named(token.text[2:-1].strip())
    if token.shape == "path":
        return references.at(token.text)
    if token.text == ".":
        return references.itself()
    if token.text == "-":
        # A sign binds more tightly than any operator.
        return minus(_operand(reader, references))
    if token.text == "(":
        inner = reader.expression()
        reader.expect(")")
        return inner.in_brackets()
    ahead = reader.peek()
    if token.shape == "name" and ahead is not None and ahead.text == "(":
        return _call(token.text, reader, references)
    raise Untranslatable(f"'{token.text}' is no reference to a question")


def _call(name: str, reader: Reader, references: References) -> Term:
    if why := _OUTSIDE.get(name):
        raise Untranslatable(f"'{name}' {why}")
    if name in ("position", "index"):
        _skip_argument(reader)
        return references.row()
    return reader.called(name, _FUNCTIONS)


def _skip_argument(reader: Reader) -> None:
    # `position(..)` names the repeat's own row, the only one that can be meant here.
    reader.expect("(")
    if not reader.takes(".."):
        reader.takes(".")
    reader.expect(")")


def _code(term: Term) -> Term:
    code = as_text(term)
    if code.literal is None:
        raise Untranslatable("it asks for a code that is itself an answer")
    return text_of(code.literal.strip())


def _part(text: Term, start: Term, end: Term | None = None) -> Term:
    places = [as_number(place).literal for place in (start, end) if place is not None]
    if end is None or not all(place is not None and place.isdigit() for place in places):
        raise Untranslatable("it cuts a text at a place that is not fixed")
    first, last = (int(str(place)) for place in places)
    return call(
        "substring", "text", as_text(text), number_of(str(first + 1)), number_of(str(max(last - first, 0)))
    )


def _pattern(text: Term, pattern: Term) -> Term:
    if pattern.literal is None:
        raise Untranslatable("its pattern is itself an answer")
    return call("matches", "truth", as_text(text), as_text(pattern))


_FUNCTIONS: Functions = {
    "not": ((1,), negated),
    "true": ((0,), lambda: truth_of(True)),
    "false": ((0,), lambda: truth_of(False)),
    "boolean": ((1,), as_truth),
    "selected": ((2,), lambda text, code: call("selected", "truth", as_text(text), _code(code))),
    "selected-at": ((2,), lambda text, n: call("selected_at", "text", as_text(text), as_number(n))),
    "count-selected": ((1,), lambda text: call("count_selected", "number", as_text(text))),
    "string-length": ((1,), lambda text: call("length", "number", as_text(text))),
    "regex": ((2,), _pattern),
    "if": ((3,), if_else),
    "coalesce": ((2,), lambda one, other: call("coalesce", "text", as_text(one), as_text(other))),
    "once": ((1,), lambda term: term),
    "number": ((1,), as_number),
    "int": ((1,), lambda term: call("trunc", "number", as_number(term))),
    "round": ((1,), lambda term: call("round", "number", as_number(term))),
    "abs": ((1,), lambda term: call("abs", "number", as_number(term))),
    "string": ((1,), as_text),
    "date": ((1,), as_date),
    "today": ((0,), lambda: TODAY),
    "now": ((0,), lambda: TODAY),
    "substr": ((2, 3), _part),
    "contains": ((2,), lambda text, part: call("contains", "truth", as_text(text), as_text(part))),
    "starts-with": ((2,), lambda text, part: call("starts_with", "truth", as_text(text), as_text(part))),
    "ends-with": ((2,), lambda text, part: call("ends_with", "truth", as_text(text), as_text(part))),
}
