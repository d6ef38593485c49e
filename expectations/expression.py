"""Reads the expression of a `check` rule and writes it anew as SQL, from an allow-list of constructs.

In: text over items, such as `child_test.spend <= 2 * child_test.income`. Out: a boolean SQL expression over a
relation with the columns "<item>", "<item>__text" and "<item>__state", and the items it uses. Nothing of the
author's text is passed on: every construct is rendered here or refused by name, and its kinds are checked, so
that no rule can read a file, reach another table or break the one scan that measures all rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Kind = Literal["number", "text", "truth", "date", "nothing"]

_NUMBER_TYPES = frozenset({"integer", "number", "amount"})
COMPARISONS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: Mapping[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
}
_FUNCTIONS: Mapping[type[exp.Expr], tuple[str, Kind, Kind]] = {
    exp.Abs: ("abs", "number", "number"),
    exp.Length: ("length", "text", "number"),
    exp.Lower: ("lower", "text", "text"),
    exp.Upper: ("upper", "text", "text"),
}
_ALLOWED = "comparisons, and, or, not, between, in, is null, + - * /, abs, coalesce, length, lower, upper"


class ExpressionFault(Exception):
    """An expression that may not be used: what is wrong, and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        sql: Boolean SQL, true where the record is in order.
        items: The items used, as (instrument, item), in order of first use.
        needed: Those that must be answered for the expression to apply: all but the ones it asks about by
            `is null` or stands in for by `coalesce`.
    """

    sql: str
    items: tuple[tuple[str, str], ...]
    needed: tuple[tuple[str, str], ...]


def quoted(name: str) -> str:
    """An SQL identifier for any text."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal for any text."""
    return "'" + text.replace("'", "''") + "'"


def read_expression(text: str, find_item: Callable[[str], tuple[str, str, str]]) -> Expression:
    """Checks an expression and renders it.

    Args:
        text: What the rule's author wrote.
        find_item: Gives (instrument, item, item type) for `instrument.item` or a bare item, or raises
            ExpressionFault.

    Raises:
        ExpressionFault: The text is not one expression of the allow-list, or its kinds do not fit.
    """
    try:
        parsed = sqlglot.parse(text, dialect="duckdb")
    except RecursionError:
        raise _too_deep() from None
    except SqlglotError:
        raise ExpressionFault(
            "the expression cannot be read", "check its brackets, quotes and operators"
        ) from None
    if len(parsed) != 1 or parsed[0] is None:
        raise ExpressionFault("the text is not exactly one expression", "write one, without a semicolon")
    reader = _Reader(find_item)
    try:
        kind, sql = reader.render(parsed[0], optional=False)
    except RecursionError:
        raise _too_deep() from None
    if kind != "truth":
        raise ExpressionFault(f"the expression gives a {kind}, not a truth", "compare it with something")
    if not reader.items:
        raise ExpressionFault("the expression names no item, so no data can change it", "name an item")
    needed = tuple(item for item, is_optional in reader.items.items() if not is_optional)
    return Expression(sql, tuple(reader.items), needed)


@dataclass
class _Reader:
    find_item: Callable[[str], tuple[str, str, str]]
    items: dict[tuple[str, str], bool] = field(default_factory=dict)

    def render(self, node: exp.Expr, optional: bool) -> tuple[Kind, str]:
        """One construct as its kind and SQL; `optional` says that a missing answer is dealt with above it."""
        kind = type(node)
        if isinstance(node, exp.Column):
            return self._column(node, optional)
        if isinstance(node, exp.Literal):
            return _literal(node)
        if isinstance(node, exp.Boolean):
            return "truth", "true" if node.this else "false"
        if isinstance(node, exp.Null):
            return "nothing", "null"
        if isinstance(node, exp.Paren):
            inner, sql = self.render(node.this, optional)
            return inner, f"({sql})"
        if isinstance(node, exp.And | exp.Or):
            word = "and" if isinstance(node, exp.And) else "or"
            parts = [self._of_kind(part, "truth", optional) for part in (node.this, node.expression)]
            return "truth", f"({parts[0]} {word} {parts[1]})"
        if isinstance(node, exp.Not):
            return "truth", f"(not {self._of_kind(node.this, 'truth', optional)})"
        if isinstance(node, exp.Neg):
            return "number", f"(-{self._of_kind(node.this, 'number', optional)})"
        if isinstance(node, exp.Is):
            return self._is(node)
        if kind in COMPARISONS:
            left, right = self._alike([node.this, node.expression], optional)[1]
            return "truth", f"({left} {COMPARISONS[kind]} {right})"
        if kind in _ARITHMETIC:
            left, right = (self._of_kind(part, "number", optional) for part in (node.this, node.expression))
            return "number", f"({left} {_ARITHMETIC[kind]} {right})"
        if kind in _FUNCTIONS:
            name, takes, gives = _FUNCTIONS[kind]
            return gives, f"{name}({self._of_kind(node.this, takes, optional)})"
        return self._several(node, optional)

    def _several(self, node: exp.Expr, optional: bool) -> tuple[Kind, str]:
        if isinstance(node, exp.Coalesce):
            kind, parts = self._alike([node.this, *node.expressions], optional=True)
            return kind, f"coalesce({', '.join(parts)})"
        if isinstance(node, exp.Between) and not node.args.get("symmetric"):
            _, (value, low, high) = self._alike([node.this, node.args["low"], node.args["high"]], optional)
            return "truth", f"({value} between {low} and {high})"
        if isinstance(node, exp.In) and node.expressions and not _extra(node, "this", "expressions"):
            _, (value, *listed) = self._alike([node.this, *node.expressions], optional)
            return "truth", f"({value} in ({', '.join(listed)}))"
        raise _refused(node)

    def _column(self, node: exp.Column, optional: bool) -> tuple[Kind, str]:
        if _extra(node, "this", "table") or not isinstance(node.this, exp.Identifier):
            raise ExpressionFault(f"'{node.sql()}' is not an item", "write `item` or `instrument.item`")
        instrument, item, item_type = self.find_item(f"{node.table}.{node.name}" if node.table else node.name)
        # Needed in one place is needed: the item must be answered for the expression to apply.
        self.items[instrument, item] = self.items.get((instrument, item), True) and optional
        if item_type in _NUMBER_TYPES:
            return "number", f"try_cast({quoted(item)} as double)"
        if item_type == "boolean":
            return "truth", f"(try_cast({quoted(item)} as double) = 1)"
        if item_type == "date":
            return "date", f"try_cast({quoted(item)} as date)"
        state, text = quoted(f"{item}__state"), quoted(f"{item}__text")
        return "text", f"(case when {state} = 'answered' then {text} end)"

    def _is(self, node: exp.Is) -> tuple[Kind, str]:
        if isinstance(node.expression, exp.Null):
            return "truth", f"({self.render(node.this, optional=True)[1]} is null)"
        if isinstance(node.expression, exp.Boolean):
            word = "true" if node.expression.this else "false"
            return "truth", f"({self._of_kind(node.this, 'truth', optional=True)} is {word})"
        raise _refused(node.expression)

    def _of_kind(self, node: exp.Expr, wanted: Kind, optional: bool) -> str:
        kind, sql = self.render(node, optional)
        if kind != wanted:
            raise ExpressionFault(
                f"'{node.sql()}' is a {kind} where a {wanted} is needed", "compare like with like"
            )
        return sql

    def _alike(self, nodes: list[exp.Expr], optional: bool) -> tuple[Kind, list[str]]:
        rendered = [self.render(node, optional) for node in nodes]
        if any(kind == "date" for kind, _ in rendered):
            rendered = [_as_date(node, *pair) for node, pair in zip(nodes, rendered, strict=True)]
        kinds = {kind for kind, _ in rendered}
        if len(kinds) > 1:
            found = " with a ".join(sorted(kinds))
            raise ExpressionFault(
                f"a {found} cannot be compared", "compare like with like; codes are quoted text"
            )
        if kinds == {"nothing"}:
            raise ExpressionFault("nothing is compared with nothing", "ask `is null` instead")
        return rendered[0][0], [sql for _, sql in rendered]


def _literal(node: exp.Literal) -> tuple[Kind, str]:
    if node.is_string:
        return "text", literal(str(node.this))
    try:
        value = float(node.this)
    except ValueError:
        raise _refused(node) from None
    if abs(value) == float("inf"):
        raise ExpressionFault(f"the number {node.this} is too large", "write a number below 1e308")
    # Written as a double: whole numbers that overflow would stop the scan that measures every rule.
    return "number", f"cast({literal(repr(value))} as double)"


def _as_date(node: exp.Expr, kind: Kind, sql: str) -> tuple[Kind, str]:
    if kind != "text" or not isinstance(node, exp.Literal):
        return kind, sql
    try:
        day = date.fromisoformat(str(node.this))
    except ValueError:
        raise ExpressionFault(f"'{node.this}' is not a date", "write it as 'YYYY-MM-DD'") from None
    return "date", f"date '{day.isoformat()}'"


def _extra(node: exp.Expr, *known: str) -> bool:
    return any(value and name not in known for name, value in node.args.items())


def _too_deep() -> ExpressionFault:
    return ExpressionFault("the expression is nested too deeply", "split it into several rules")


def _refused(node: exp.Expr) -> ExpressionFault:
    name = str(node.this) if isinstance(node, exp.Anonymous) else node.key
    return ExpressionFault(f"'{name}' may not be used in a check", f"use only {_ALLOWED}")
