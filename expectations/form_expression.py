"""Reads an expression that a form's own rules were turned into, and writes it anew as SQL.

In: text such as `number("age") > 17 and not selected("sources", 'none')`. Out: boolean SQL that is never
null, over a relation with, for each item, "<item>__text" (trimmed text or NULL) and "<item>__parsed" (the
same as the item's type, NULL where it cannot be), "_sw_record_id" and "_sw_submitted_at".

It differs from a check (`expression`) in what an item means. A form never sees a missing answer as unknown,
nor -99 as no answer: here an item is its raw text, '' where it is blank, and every comparison is true or
false. With what is no number every comparison is false but `<>`, as on the phone. Text that the item's type
cannot be read from says nothing about the form (a spelling of the export): such records are left out by
`conditions`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from expectations.expression import COMPARISONS, ExpressionFault, literal, quoted

Kind = Literal["number", "text", "truth", "date"]
FindItem = Callable[[str], tuple[str, str, str]]

_ARITHMETIC: Mapping[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
# Codes are told apart by white space, in some exports by commas.
_PARTS = "regexp_split_to_array({0}, '[\\s,]+')"
_ROW = "cast(nullif(regexp_extract(\"_sw_record_id\", '\\[(\\d+)\\]$', 1), '') as double)"
# A clock may stand up to fourteen hours ahead of the one that stamped the submission.
_LAST_DAY = 'cast(try_cast("_sw_submitted_at" as timestamp) as date) + 1'
_CALLS: Mapping[str, tuple[tuple[Kind, ...], Kind, str]] = {
    "number": (
        ("text",),
        "number",
        "case when instr({0}, '_') = 0 then cast(try_cast({0} as decimal(38, 12)) as double) end",
    ),
    "date_of": (
        ("text",),
        "date",
        "case when {0} like '____-__-__%' then try_cast(substr({0}, 1, 10) as date) end",
    ),
    "selected": (("text", "text"), "truth", f"list_contains({_PARTS}, {{1}})"),
    "count_selected": (("text",), "number", f"case when {{0}} = '' then 0 else len({_PARTS}) end"),
    "selected_at": (("text", "number"), "text", f"coalesce({_PARTS}[cast({{1}} as integer) + 1], '')"),
    "matches": (("text", "text"), "truth", "regexp_full_match({0}, {1})"),
    "length": (("text",), "number", "length({0})"),
    "substring": (
        ("text", "number", "number"),
        "text",
        "substring({0}, cast({1} as integer), cast({2} as integer))",
    ),
    "contains": (("text", "text"), "truth", "contains({0}, {1})"),
    "starts_with": (("text", "text"), "truth", "starts_with({0}, {1})"),
    "ends_with": (("text", "text"), "truth", "ends_with({0}, {1})"),
    "abs": (("number",), "number", "abs({0})"),
    "round": (("number",), "number", "round({0})"),
    "trunc": (("number",), "number", "trunc({0})"),
    "row_position": ((), "number", _ROW),
    "submitted_on": ((), "date", _LAST_DAY),
}
_READ_BY_TYPE = {"integer": "number", "number": "number", "amount": "number", "date": "date_of"}


@dataclass(frozen=True)
class FormExpression:
    """A checked expression.

    Attributes:
        sql: Boolean SQL, never null.
        items: The items used, as (instrument, item), in order of first use.
        conditions: Boolean SQL without which the expression says nothing about a record.
    """

    sql: str
    items: tuple[tuple[str, str], ...]
    conditions: tuple[str, ...]


def raw_text(item: str) -> str:
    """SQL of an item's answer as the form holds it: '' where it is blank."""
    return f"coalesce({quoted(f'{item}__text')}, '')"


def is_readable(item: str, item_type: str) -> str | None:
    """SQL that is true where an answer is blank or can be read as its item's type; None if it always can."""
    if item_type not in _READ_BY_TYPE:
        return None
    return f"({quoted(f'{item}__text')} is null or {quoted(f'{item}__parsed')} is not null)"


def read_form_expression(text: str, find_item: FindItem) -> FormExpression:
    """Checks an expression and renders it.

    Args:
        text: The expression.
        find_item: Gives (instrument, item, item type) for a bare item, or raises ExpressionFault.

    Raises:
        ExpressionFault: The text is not one truth made of the constructs above.
    """
    reader = _Reader(find_item)
    try:
        parsed = sqlglot.parse(text, dialect="duckdb")
        if len(parsed) != 1 or parsed[0] is None:
            raise ExpressionFault("the text is not exactly one expression", "write one, without a semicolon")
        sql = reader.of_kind(parsed[0], "truth")
    except RecursionError:
        raise ExpressionFault("the expression is nested too deeply", "shorten it in the form") from None
    except SqlglotError:
        raise ExpressionFault("the expression cannot be read", "check its brackets and quotes") from None
    return FormExpression(sql, tuple(reader.items), tuple(reader.conditions))


@dataclass
class _Reader:
    find_item: FindItem
    # Dicts, since their keys keep the order of first use.
    items: dict[tuple[str, str], None] = field(default_factory=dict)
    conditions: dict[str, None] = field(default_factory=dict)

    def of_kind(self, node: exp.Expr, wanted: Kind) -> str:
        kind, sql = self.render(node)
        if kind != wanted:
            raise ExpressionFault(f"a {kind} stands where a {wanted} is needed", "compare like with like")
        return sql

    def render(self, node: exp.Expr) -> tuple[Kind, str]:
        kind = type(node)
        if isinstance(node, exp.Column):
            return self._item(node)
        if isinstance(node, exp.Literal):
            return _literal(node)
        if isinstance(node, exp.Boolean):
            return "truth", "true" if node.this else "false"
        if isinstance(node, exp.Paren):
            return self.render(node.this)
        if isinstance(node, exp.And | exp.Or):
            word = "and" if isinstance(node, exp.And) else "or"
            # Flattened: long chains, common in forms, would else nest as deep as they are long.
            return "truth", "(" + f" {word} ".join(
                self.of_kind(part, "truth") for part in node.flatten()
            ) + ")"
        if isinstance(node, exp.Not):
            return "truth", f"(not {self.of_kind(node.this, 'truth')})"
        if isinstance(node, exp.Neg):
            return "number", f"(-{self.of_kind(node.this, 'number')})"
        if kind in COMPARISONS:
            return "truth", self._compared(node, COMPARISONS[kind])
        if kind in _ARITHMETIC:
            left, right = (self.of_kind(part, "number") for part in (node.this, node.expression))
            return "number", f"({left} {_ARITHMETIC[kind]} {right})"
        if isinstance(node, exp.Div | exp.Mod):
            left, right = (self.of_kind(part, "number") for part in (node.this, node.expression))
            return "number", f"({left} {'/' if isinstance(node, exp.Div) else '%'} nullif({right}, 0))"
        return self._call(node)

    def _item(self, node: exp.Column) -> tuple[Kind, str]:
        if node.table or not isinstance(node.this, exp.Identifier):
            raise ExpressionFault(f"'{node.sql()}' is not an item", "name an item of the instrument")
        instrument, item, item_type = self.find_item(node.name)
        self.items[instrument, item] = None
        if condition := is_readable(item, item_type):
            self.conditions[condition] = None
        return "text", raw_text(item)

    def _typed(self, node: exp.Column, reading: str) -> str | None:
        """An answer as its item's own type, where that is asked for: it is read once for all rules."""
        self._item(node)
        _, item, item_type = self.find_item(node.name)
        if _READ_BY_TYPE.get(item_type) != reading:
            return None
        parsed = quoted(f"{item}__parsed")
        return parsed if reading == "date_of" else f"cast({parsed} as double)"

    def _compared(self, node: exp.Expr, sign: str) -> str:
        (kind, left), (other, right) = self.render(node.this), self.render(node.expression)
        if kind != other or (kind in ("text", "truth") and sign not in ("=", "<>")):
            raise ExpressionFault(f"a {kind} {sign} a {other} has no meaning", "compare like with like")
        if kind in ("text", "truth"):
            return f"({left} {sign} {right})"
        return f"coalesce({left} {sign} {right}, {'true' if sign == '<>' else 'false'})"

    def _call(self, node: exp.Expr) -> tuple[Kind, str]:
        if isinstance(node, exp.If):
            condition = self.of_kind(node.this, "truth")
            if node.args.get("false") is None:
                raise ExpressionFault("`if` has no other end", "say what holds otherwise")
            (kind, yes), (other, no) = self.render(node.args["true"]), self.render(node.args["false"])
            if kind != other:
                raise ExpressionFault(f"`if` gives a {kind} or a {other}", "let both ends be alike")
            return kind, f"(case when {condition} then {yes} else {no} end)"
        if isinstance(node, exp.Coalesce):
            parts = [self.of_kind(part, "text") for part in (node.this, *node.expressions)]
            return "text", f"coalesce({', '.join(f'''nullif({part}, '')''' for part in parts)}, '')"
        name, given = _call_of(node)
        if name in _READ_BY_TYPE.values() and len(given) == 1:
            node = given[0].unnest()
            if isinstance(node, exp.Column) and (typed := self._typed(node, name)):
                return _CALLS[name][1], typed
        takes, gives, template = _CALLS[name]
        if len(given) != len(takes):
            raise ExpressionFault(f"'{name}' takes {len(takes)} values", "give it as many")
        parts = [self.of_kind(part, kind) for part, kind in zip(given, takes, strict=True)]
        _check_call(name, given)
        sql = f"({template.format(*parts)})"
        if not takes:
            self.conditions[f"{sql} is not null"] = None
        return gives, sql


def _call_of(node: exp.Expr) -> tuple[str, list[exp.Expr]]:
    if isinstance(node, exp.Anonymous):
        name, given = str(node.this).lower(), list(node.expressions)
    else:
        name = node.sql_name().lower() if isinstance(node, exp.Func) else node.key
        given = [part for part in node.args.values() if isinstance(part, exp.Expr)]
    if name not in _CALLS:
        raise ExpressionFault(f"'{name}' may not be used", f"use only {', '.join(_CALLS)}")
    return name, given


def _check_call(name: str, given: list[exp.Expr]) -> None:
    if name in ("selected", "matches") and not (isinstance(given[1], exp.Literal) and given[1].is_string):
        raise ExpressionFault(f"'{name}' needs a fixed text", "write it in quotes")
    if name == "selected" and "," in str(given[1].this):
        raise ExpressionFault("a code with a comma cannot be told apart in a list", "choose another code")
    if name == "matches":
        _check_pattern(str(given[1].this))


def _check_pattern(pattern: str) -> None:
    # A pattern that the engine refuses would stop the one scan that measures every rule.
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute(f"select regexp_full_match('', {literal(pattern)})")
        except duckdb.Error:
            raise ExpressionFault(
                "its pattern is of a kind that the warehouse does not know", "avoid look-around"
            ) from None


def _literal(node: exp.Literal) -> tuple[Kind, str]:
    if node.is_string:
        return "text", literal(str(node.this))
    try:
        value = float(node.this)
    except ValueError:
        raise ExpressionFault(f"'{node.this}' is no number", "write digits") from None
    if abs(value) == float("inf"):
        raise ExpressionFault(f"the number {node.this} is too large", "write a number below 1e308")
    return "number", f"cast({literal(repr(value))} as double)"
