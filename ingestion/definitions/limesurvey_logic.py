"""LimeSurvey's ExpressionScript: `(G01Q02.NAOK == "Y" and !is_empty(age.NAOK))`.

In: an expression and what its references mean. Out: a `Term`, or `Untranslatable` for what looks at the
wording, the position or the display of a question, at attributes of the participant, or over many
questions.

Facts: `.NAOK` and `.value` leave a name's answer as it is; without `.NAOK` the whole condition is false
where the question was not asked, which for a question left blank comes to the same but beneath a `!` (not
verified on a live server); a subquestion is `Q_SQ001`, which is its field's name; patterns find, they need
not match all.
"""

from ingestion.definitions.infix import Functions, Grammar, Reader, compares, joins, reckons
from ingestion.definitions.logic import (
    Term,
    Untranslatable,
    as_number,
    as_text,
    as_truth,
    call,
    compared,
    if_else,
    minus,
    negated,
    number_of,
    text_of,
)
from ingestion.definitions.references import FieldReferences

_SHAPES = {
    "text": r"\"[^\"]*\"|'[^']*'",
    "number": r"\d+(?:\.\d+)?(?![\w.])|\.\d+",
    "sign": r"&&|\|\||==|!=|<=|>=|[=<>+\-*/(),!]",
    "name": r"\w+(?:\.\w+)*",
}
_WORDS = {
    "or": (1, joins("or")),
    "and": (2, joins("and")),
    "eq": (3, compares("=")),
    "ne": (3, compares("<>")),
    "lt": (4, compares("<")),
    "le": (4, compares("<=")),
    "gt": (4, compares(">")),
    "ge": (4, compares(">=")),
    "+": (5, reckons("+")),
    "-": (5, reckons("-")),
    "*": (6, reckons("*")),
    "/": (6, reckons("/")),
}
_SIGNS = {"||": "or", "&&": "and", "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_BINARY = _WORDS | {sign: _WORDS[word] for sign, word in _SIGNS.items()}
_ANSWERS = ("naok", "value", "valuenaok", "code")


def translate_limesurvey(text: str, references: FieldReferences) -> Term:
    """An expression as a truth.

    Raises:
        Untranslatable: With the reason.
    """
    if text.strip().startswith("/"):
        # The validation of a question may be a bare pattern for its own answer.
        return _found(text_of(text.strip()), references.itself())
    grammar = Grammar(_SHAPES, _BINARY, lambda reader: _operand(reader, references))
    return as_truth(Reader(grammar, text.strip().removeprefix("{").removesuffix("}")).whole())


def _operand(reader: Reader, references: FieldReferences) -> Term:
    token = reader.take()
    if token.shape == "text":
        return text_of(token.text[1:-1])
    if token.shape == "number":
        return number_of(token.text)
    if token.text == "-":
        return minus(_operand(reader, references))
    if token.text == "!":
        return negated(_operand(reader, references)).in_brackets()
    if token.text == "(":
        inner = reader.expression()
        reader.expect(")")
        return inner.in_brackets()
    if token.shape != "name":
        raise Untranslatable(f"'{token.text}' stands where a question should")
    ahead = reader.peek()
    if ahead is not None and ahead.text == "(":
        return reader.called(token.text, _FUNCTIONS)
    return _answer(token.text, references)


def _answer(name: str, references: FieldReferences) -> Term:
    question, _, asked = name.partition(".")
    if asked.lower() not in ("", *_ANSWERS):
        raise Untranslatable(f"'{name}' asks for more than the answer")
    if question in ("self", "this"):
        return references.itself()
    return references.named(question)


def _found(pattern: Term, text: Term) -> Term:
    written = pattern.literal or ""
    end = written.rfind("/")
    flags = written[end + 1 :]
    if not written.startswith("/") or end < 1 or flags.strip("i"):
        raise Untranslatable("its pattern is not written as '/.../'")
    anywhere = f"(?s{flags[:1]}).*(?:{written[1:end]}).*"
    return call("matches", "truth", as_text(text), text_of(anywhere))


_FUNCTIONS: Functions = {
    "is_empty": ((1,), lambda term: compared("=", as_text(term), text_of(""))),
    "if": ((3,), if_else),
    "abs": ((1,), lambda term: call("abs", "number", as_number(term))),
    "strlen": ((1,), lambda text: call("length", "number", as_text(text))),
    "regexMatch": ((2,), _found),
}
