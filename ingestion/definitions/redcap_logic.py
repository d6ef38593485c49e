"""REDCap's branching logic: `[sex] = "0" and [symptoms(3)] = "1"`.

In: an expression and what its references mean. Out: a `Term`, or `Untranslatable` for what looks into
another event or instance, at a smart variable, or at the clock.

Facts: `[name(code)]` is the checkbox column `name___code`, which holds 1 or 0; quoted numbers compare as
numbers where the field is one; a blank is neither above nor below any number (not verified on a live
server).
"""

import re

from ingestion.definitions.infix import OPERATORS, Functions, Grammar, Reader, compares, reckons
from ingestion.definitions.logic import (
    Term,
    Untranslatable,
    as_number,
    as_text,
    as_truth,
    call,
    if_else,
    minus,
    number_of,
    text_of,
)
from ingestion.definitions.redcap_dictionary import checkbox_column
from ingestion.definitions.references import FieldReferences

_SHAPES = {
    "text": r"\"[^\"]*\"|'[^']*'",
    "reference": r"\[[^\[\]]*\]",
    "number": r"\d+(?:\.\d*)?|\.\d+",
    "sign": r"<>|!=|<=|>=|[=<>+\-*/(),]",
    "name": r"[^\W\d]\w*",
}
_BINARY = OPERATORS | {
    "<>": (3, compares("<>")),
    "!=": (3, compares("<>")),
    "/": (6, reckons("/")),
}


def translate_redcap(text: str, references: FieldReferences) -> Term:
    """An expression as a truth.

    Raises:
        Untranslatable: With the reason.
    """
    grammar = Grammar(_SHAPES, _BINARY, lambda reader: _operand(reader, references))
    return as_truth(Reader(grammar, text).whole())


def _operand(reader: Reader, references: FieldReferences) -> Term:
    token = reader.take()
    if token.shape == "text":
        return text_of(token.text[1:-1])
    if token.shape == "number":
        return number_of(token.text.removesuffix("."))
    if token.shape == "reference":
        ahead = reader.peek()
        if ahead is not None and ahead.shape == "reference":
            raise Untranslatable(f"'{token.text}{ahead.text}' looks into another event or instance")
        return _field(token.text[1:-1], references)
    if token.text == "-":
        return minus(_operand(reader, references))
    if token.text == "(":
        inner = reader.expression()
        reader.expect(")")
        return inner.in_brackets()
    ahead = reader.peek()
    if ahead is None or ahead.text != "(":
        raise Untranslatable(f"'{token.text}' is neither a field in brackets nor a text in quotes")
    return reader.called(token.text.lower(), _FUNCTIONS)


def _field(name: str, references: FieldReferences) -> Term:
    checkbox = re.fullmatch(r"\s*(\w+)\s*\(\s*([^()]+?)\s*\)\s*", name)
    if checkbox:
        return references.named(checkbox_column(checkbox[1], checkbox[2]))
    if ":" in name or "-" in name:
        raise Untranslatable(f"'[{name}]' is a smart variable or another way of showing a field")
    return references.named(name.strip())


_FUNCTIONS: Functions = {
    "if": ((3,), if_else),
    "abs": ((1,), lambda term: call("abs", "number", as_number(term))),
    "contains": ((2,), lambda text, part: call("contains", "truth", as_text(text), as_text(part))),
    "starts_with": ((2,), lambda text, part: call("starts_with", "truth", as_text(text), as_text(part))),
    "ends_with": ((2,), lambda text, part: call("ends_with", "truth", as_text(text), as_text(part))),
    "length": ((1,), lambda text: call("length", "number", as_text(text))),
}
