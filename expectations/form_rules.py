"""The rules that forms state about their own answers, as terms: no YAML names them, their definitions do.

In: the expressions that form definitions were translated into, and the lake tables. Out: for each expression
its terms, or why it could not be measured. How an expression becomes SQL is the work of `form_expression`.

An answer is judged as the form saw it: a declared missing code is an answer, a blank breaks no constraint.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from expectations.expression import ExpressionFault
from expectations.form_expression import (
    FormExpression,
    is_readable,
    raw_text,
    read_form_expression,
)
from expectations.item_terms import Term
from expectations.items import FormStatement, Item, KnownItems, LakeTable
from expectations.rule_types import OfForm


@dataclass(frozen=True)
class FormRule:
    """One statement of a form as a rule.

    Attributes:
        stated: What the form states.
        item: The item it is stated of.
        terms: How it is measured; empty where it is not.
        why_not: Why it is not measured anywhere; None where it is.
    """

    stated: FormStatement
    item: Item
    terms: tuple[Term, ...]
    why_not: str | None


def form_rules(spec: OfForm, programme: KnownItems) -> Iterator[FormRule]:
    """What a rule of forms comes down to: every translated statement of its kind, in the order of items."""
    kind = spec.type.removeprefix("form_")
    stated = [
        (programme.items[one.instrument, one.item], one, one.expression)
        for one in programme.form_statements
        if one.kind == kind and one.item is not None and one.expression is not None
    ]
    questions = Counter(item for item, _, _ in stated)
    for item, one, expression in sorted(stated, key=lambda found: (found[0].name, found[1].path)):
        if questions[item] > 1:
            # What one question's answer must satisfy says nothing about the other's.
            yield FormRule(one, item, (), "its item is fed by several questions of the form")
        else:
            yield _form_rule(one, item, expression, programme)


def _form_rule(stated: FormStatement, item: Item, text: str, programme: KnownItems) -> FormRule:
    def find(name: str) -> tuple[str, str, str]:
        found = programme.items.get((item.instrument, name))
        if found is None:
            raise ExpressionFault(f"there is no item '{name}'", "name an item of the instrument")
        return found.instrument, found.item, found.item_type

    try:
        read = read_form_expression(text, find)
    except ExpressionFault as problem:
        return FormRule(stated, item, (), problem.message)
    holding = [table for table in programme.tables if (item.instrument, item.item) in table.items]
    tables = [table for table in holding if all(table.place_of(used) for used in read.items)]
    terms = tuple(_term(stated.kind, item, read, table) for table in tables)
    return FormRule(stated, item, terms, None if terms else _why_not(read, holding))


def _why_not(read: FormExpression, holding: Iterable[LakeTable]) -> str:
    tables = list(holding)
    if not tables:
        return "its question is not in the lake"
    absent = [used[1] for used in read.items if not any(table.place_of(used) for table in tables)]
    if absent:
        return f"it speaks of what is not in the lake beside it: {', '.join(absent)}"
    return "no one table of the lake holds all that it speaks of"


def _term(kind: str, item: Item, read: FormExpression, table: LakeTable) -> Term:
    answer = raw_text(item.item)
    if kind == "required":
        applicable, violated = [read.sql, *read.conditions], f"{answer} = ''"
    else:
        readable = is_readable(item.item, item.item_type) if kind == "constraint" else None
        conditions = dict.fromkeys([*([readable] if readable else []), *read.conditions])
        applicable, violated = [f"{answer} <> ''", *conditions], f"not {read.sql}"
    used = dict.fromkeys([(item.instrument, item.item), *read.items])
    inputs = tuple((name, str(table.place_of((instrument, name)))) for instrument, name in used)
    return Term.of(table, " and ".join(applicable), violated, inputs)
