"""The SQL of each rule of items: when it applies to a record, and when a record violates it.

In: a rule, an item and a lake table that holds it. Out: two boolean expressions over a relation that has, for
each item, "<item>" (typed, NULL unless answered), "<item>__text" (trimmed text or NULL) and "<item>__state"
(answered, missing_code, blank, unreadable). Which items and tables there are is not known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from expectations.expression import Expression, literal, quoted
from expectations.items import Item, LakeTable
from expectations.rule_types import (
    AllowedValues,
    ConsentPresent,
    ExclusiveOptions,
    Heaping,
    OfItem,
    Pattern,
    Range,
    Readable,
    RequiredAnswered,
)

_NUMERIC = frozenset({"integer", "number", "amount"})
_CODED = frozenset({"boolean", "select_one", "select_multiple"})
# Any text is a text or a code; whether the code is a declared one is for `allowed_values` to ask.
_ALWAYS_READABLE = frozenset({"text", "select_one", "select_multiple"})


@dataclass(frozen=True)
class Term:
    """How one lake table is measured against one rule.

    Attributes:
        source: The source.
        lake_table: The table.
        violation_sql: True where the rule is broken.
        applicable_sql: True where the rule says something.
        inputs: Items read, each with the lake table that holds it: this one or one that it repeats under.
    """

    source: str
    lake_table: str
    violation_sql: str
    applicable_sql: str
    inputs: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls, table: LakeTable, applicable: str, violated: str, inputs: tuple[tuple[str, str], ...]
    ) -> "Term":
        """A term whose violations are applicable by construction."""
        return cls(table.source, table.lake_table, f"({applicable}) and ({violated})", applicable, inputs)

    @classmethod
    def of_expression(cls, table: LakeTable, expression: Expression) -> "Term":
        """A check applies where its items are answered, and is violated where it is false or unknown."""
        answered = [f"{quoted(f'{item}__state')} = 'answered'" for _, item in expression.needed]
        applicable = " and ".join(answered) or complete(table)
        inputs = tuple((item, table.lake_table) for _, item in expression.items)
        return cls.of(table, applicable, f"not coalesce({expression.sql}, false)", inputs)


def complete(table: LakeTable) -> str:
    """True for the records of finished interviews; a repeat's rows carry no disposition and all count."""
    if not table.is_root:
        return "true"
    return "coalesce(\"_sw_disposition\", 'complete') = 'complete'"


def applies_to(spec: OfItem, item: Item) -> bool:
    """Whether a rule that names no item takes this one in."""
    if isinstance(spec, RequiredAnswered):
        return item.is_required
    return never_fails(spec, item) is None


def never_fails(spec: OfItem, item: Item) -> tuple[str, str] | None:
    """Why no answer to this item could ever violate the rule, and what to do; None where one could."""
    if isinstance(spec, Range):
        if item.item_type not in _NUMERIC:
            return f"'{item.name}' is of type {item.item_type}, which has no range", "name a numeric item"
        if _limits(spec, item) == (None, None):
            return (
                f"neither the rule nor '{item.name}' has limits, so it can never fail",
                "add `min:` or `max:`",
            )
    if isinstance(spec, AllowedValues):
        if item.item_type not in _CODED and not spec.allowed:
            return (
                f"'{item.name}' has no codes, so the rule can never fail",
                "add `allowed:`, or name a coded item",
            )
        if not (spec.allowed or item.codes):
            return (
                f"'{item.name}' declares no choices, so the rule can never fail",
                "add `allowed:` or its choices",
            )
    if isinstance(spec, Heaping) and item.item_type not in _NUMERIC:
        return f"'{item.name}' is of type {item.item_type}, which has no multiples", "name a numeric item"
    if isinstance(spec, ExclusiveOptions) and spec.alone:
        if item.item_type != "select_multiple":
            return (
                f"'{item.name}' holds one answer only, so the rule can never fail",
                "name `others:` instead",
            )
        if unknown := sorted(set(spec.alone) - set(item.codes)):
            return f"'{item.name}' has no choice '{unknown[0]}' that could stand alone", "name its codes"
    if isinstance(spec, ConsentPresent) and not spec.yes and item.item_type != "boolean":
        return (
            f"'{item.name}' is of type {item.item_type}, and nothing says which answer is a yes",
            "add `yes:`",
        )
    if isinstance(spec, Readable) and item.item_type in _ALWAYS_READABLE:
        return (
            f"'{item.name}' is of type {item.item_type}, which is always readable",
            "name an item of another type",
        )
    return None


def item_term(spec: OfItem, item: Item, table: LakeTable) -> Term:
    """The term of a rule about one item.

    Raises:
        TypeError: The rule's type has no SQL here.
    """
    value, text, state = quoted(item.item), quoted(f"{item.item}__text"), quoted(f"{item.item}__state")
    given = f"{state} in ('answered', 'unreadable')"
    inputs = ((item.item, table.lake_table),)
    if isinstance(spec, RequiredAnswered):
        return Term.of(table, complete(table), f"{state} is distinct from 'answered'", inputs)
    if isinstance(spec, Range):
        low, high = _limits(spec, item)
        outside = [f"{value} < {low!r}"] * (low is not None) + [f"{value} > {high!r}"] * (high is not None)
        return Term.of(table, f"{value} is not null", " or ".join(outside), inputs)
    if isinstance(spec, Readable):
        return Term.of(table, given, f"{state} = 'unreadable'", inputs)
    if isinstance(spec, AllowedValues):
        codes = _listed(spec.allowed or item.codes)
        if item.item_type == "select_multiple":
            violated = f"not list_has_all([{codes}], {_chosen(text)})"
            return Term.of(table, given, violated, inputs)
        return Term.of(table, given, f"{text} not in ({codes})", inputs)
    return _further_term(spec, item, table)


def _further_term(spec: OfItem, item: Item, table: LakeTable) -> Term:
    value, text, state = quoted(item.item), quoted(f"{item.item}__text"), quoted(f"{item.item}__state")
    inputs = ((item.item, table.lake_table),)
    if isinstance(spec, Pattern):
        given = f"{state} in ('answered', 'unreadable')"
        return Term.of(table, given, f"not regexp_full_match({text}, {literal(spec.pattern)})", inputs)
    if isinstance(spec, ExclusiveOptions):
        chosen = _chosen(text)
        violated = f"list_has_any({chosen}, [{_listed(spec.alone)}]) and len(list_distinct({chosen})) > 1"
        return Term.of(table, f"{state} = 'answered'", violated, inputs)
    if isinstance(spec, ConsentPresent):
        said = f"{text} in ({_listed(spec.yes)})" if spec.yes else value
        return Term.of(
            table, complete(table), f"not coalesce({state} = 'answered' and {said}, false)", inputs
        )
    if isinstance(spec, Heaping):
        step = f"cast({literal(repr(spec.multiple_of))} as decimal(38, 12))"
        return Term.of(table, f"{value} <> 0", f"{value} % {step} = 0", inputs)
    raise TypeError(f"rules of type {type(spec).__name__} have no item term")


def _chosen(text: str) -> str:
    """The codes of a select_multiple cell as a list."""
    return f"regexp_split_to_array({text}, '\\s+')"


def _limits(spec: Range, item: Item) -> tuple[float | None, float | None]:
    """The rule's own limits, where it has any, else the item's."""
    return (item.low, item.high) if spec.min is None and spec.max is None else (spec.min, spec.max)


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(literal(code) for code in codes)
