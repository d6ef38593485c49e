"""Reads infix logic, in which every form language writes its conditions: tokens, then precedence climbing.

In: a text, the shapes of its tokens, its operators, and a function that reads operands. Out: one `Term`, or
`Untranslatable`. Which operators and functions a language has is said by that language's module.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ingestion.definitions.logic import Term, Untranslatable, both, compared, reckoned

MAX_TOKENS = 5000
MAX_DEPTH = 60

Build = Callable[[Term, Term], Term]
# Name of a function -> how many values it takes, and what it builds of them.
Functions = Mapping[str, tuple[tuple[int, ...], Callable[..., Term]]]


@dataclass(frozen=True)
class Token:
    """A token: the name of its shape, and its text."""

    shape: str
    text: str


@dataclass(frozen=True)
class Grammar:
    """How a language is spelled.

    Attributes:
        shapes: Shape of token -> regular expression, tried in this order. White space separates.
        binary: Operator, in lower case -> how tightly it binds, and what it builds of its two sides.
        operand: Reads one operand, prefix operators included.
    """

    shapes: Mapping[str, str]
    binary: Mapping[str, tuple[int, Build]]
    operand: "Callable[[Reader], Term]"


def joins(word: Literal["and", "or"]) -> Build:
    """Builds a conjunction or disjunction."""
    return lambda left, right: both(word, left, right)


def compares(sign: str) -> Build:
    """Builds a comparison."""
    return lambda left, right: compared(sign, left, right)


def reckons(sign: str) -> Build:
    """Builds a number of two."""
    return lambda left, right: reckoned(sign, left, right)


# Operators that XPath and REDCap spell and bind alike; each language adds its own.
OPERATORS: dict[str, tuple[int, Build]] = {
    "or": (1, joins("or")),
    "and": (2, joins("and")),
    "=": (3, compares("=")),
    "<": (4, compares("<")),
    "<=": (4, compares("<=")),
    ">": (4, compares(">")),
    ">=": (4, compares(">=")),
    "+": (5, reckons("+")),
    "-": (5, reckons("-")),
    "*": (6, reckons("*")),
}


class Reader:
    """A position in the tokens of one expression."""

    def __init__(self, grammar: Grammar, text: str) -> None:
        self._grammar = grammar
        self._tokens = _tokens(grammar.shapes, text)
        self._place = 0
        self._depth = 0

    def whole(self) -> Term:
        """The whole text as one term.

        Raises:
            Untranslatable: The text is not one expression, or says what Sitewise's language cannot say.
        """
        term = self.expression()
        if left := self.peek():
            raise Untranslatable(f"'{left.text}' stands where the expression should end")
        return term

    def expression(self, least: int = 0) -> Term:
        """An expression whose operators bind at least as tightly as `least`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Untranslatable("it is nested too deeply")
        left = self._grammar.operand(self)
        while (ahead := self.peek()) and (known := self._grammar.binary.get(ahead.text.lower())):
            binding, build = known
            if ahead.shape == "text" or binding < least:
                break
            self.take()
            left = build(left, self.expression(binding + 1))
        self._depth -= 1
        return left

    def peek(self) -> Token | None:
        """The next token, or None at the end."""
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def take(self) -> Token:
        """The next token, which is left behind."""
        ahead = self.peek()
        if ahead is None:
            raise Untranslatable("it breaks off")
        self._place += 1
        return ahead

    def takes(self, text: str) -> bool:
        """Whether the next token is this one, which is then left behind."""
        ahead = self.peek()
        if ahead is None or ahead.shape == "text" or ahead.text.lower() != text:
            return False
        self._place += 1
        return True

    def expect(self, text: str) -> None:
        """Leaves this token behind, which must come next."""
        if not self.takes(text):
            ahead = self.peek()
            raise Untranslatable(
                f"'{text}' is missing" + (f" before '{ahead.text}'" if ahead else " at its end")
            )

    def arguments(self) -> list[Term]:
        """What stands between brackets, the first of which comes next, separated by commas."""
        self.expect("(")
        if self.takes(")"):
            return []
        given = [self.expression()]
        while self.takes(","):
            given.append(self.expression())
        self.expect(")")
        return given

    def called(self, name: str, functions: Functions) -> Term:
        """The function of this name, whose values in brackets come next."""
        if name not in functions:
            raise Untranslatable(f"the function '{name}' is not translated")
        given = self.arguments()
        counts, build = functions[name]
        if len(given) not in counts:
            raise Untranslatable(f"'{name}' does not take {len(given)} values")
        return build(*given)


def _tokens(shapes: Mapping[str, str], text: str) -> list[Token]:
    pattern = re.compile("|".join(f"(?P<{shape}>{expression})" for shape, expression in shapes.items()))
    found: list[Token] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = pattern.match(text, place)
        if match is None or match.end() == place:
            raise Untranslatable(f"'{text[place]}' means nothing here")
        found.append(Token(str(match.lastgroup), match.group()))
        if len(found) > MAX_TOKENS:
            raise Untranslatable("it is too long")
        place = match.end()
    if not found:
        raise Untranslatable("it is blank")
    return found
