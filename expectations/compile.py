"""Turns rules into registry tables: one row per rule, and per lake table the SQL that measures it.

In: checked rules and the registry's tables of items, codes, lake columns and waves. Out: both tables.
No data are read here. An item without a lake column in some source gets no term there, so that the facts,
which expect one, find it not evaluated: silence never passes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from expectations.block_terms import block_expression, named_items
from expectations.expression import Expression, ExpressionFault, read_expression
from expectations.fault import RuleFault, RuleFaults, nearest
from expectations.form_rules import form_rules
from expectations.interview_needs import interview_faults
from expectations.item_terms import Term, applies_to, item_term, never_fails
from expectations.items import FormStatement, Item, KnownItems
from expectations.rule import Rule
from expectations.rule_types import Check, ExclusiveOptions, OfForm, OfItem, OfSeveral

RULES = pa.schema(
    [
        (name, pa.string())
        for name in ("rule", "rule_type", "dimension", "severity", "scope", "instrument", "item")
    ]
    + [("comparison", pa.string()), ("threshold", pa.float64()), ("unit", pa.string())]
    + [
        ("description", pa.string()),
        ("set_by", pa.string()),
        ("set_on", pa.date32()),
        ("ground", pa.string()),
    ]
    + [("valid_from", pa.date32()), ("parameters", pa.string()), ("wave", pa.string())]
)
RULE_TERMS = pa.schema(
    [(name, pa.string()) for name in ("rule", "source", "lake_table", "violation_sql", "applicable_sql")]
)
RULE_INPUTS = pa.schema([(name, pa.string()) for name in ("source", "lake_table", "item", "from_table")])
FORM_RULES = pa.schema(
    [(name, pa.string()) for name in ("instrument", "path", "kind", "rule", "why_not_measured")]
)


def rule_tables(rules: Iterable[Rule], registry: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The registry tables `rules`, `rule_terms`, `rule_inputs` and `form_rules`.

    `rules` (key: rule, wave): a rule of items without `item` becomes one rule per item that it applies to and
    that an indicator reads, `<rule>__<instrument>__<item>` (a check that comes down to one item keeps its
    name); a rule of forms one per statement that can be measured, whether an indicator reads its item or not;
    a rule with `waves` one row per wave. `rule_terms` (key: rule, source, lake_table): `applicable_sql` and
    `violation_sql` are boolean and each complete in itself: every violation is applicable. `rule_inputs`
    (key: source, lake_table, item): what the terms of a lake table read, and the table in which it lies.
    `form_rules` (key: instrument, path, kind, rule): what became of each translated statement of a form.

    Args:
        rules: Checked rules.
        registry: At least `items`, `item_codes`, `lake_columns`, `lake_tables`, `waves` and
            `indicator_terms`; `form_expressions` where instruments have definitions.

    Raises:
        RuleFaults: A rule names an item or wave that is unknown, or could not fail on the item it names.
    """
    programme = KnownItems.read(registry)
    compiled: list[_Compiled] = []
    rules = list(rules)
    faults = list(interview_faults(rules, programme, registry))
    for rule in rules:
        try:
            compiled += _compiled(rule, programme)
        except RuleFaults as found:
            faults += found.faults
    # What a form states but the lake cannot tell is listed, not judged.
    measured = [one for one in compiled if one.stated is None or one.terms]
    faults += _collisions(measured)
    if faults:
        raise RuleFaults(faults)
    rows = sorted(
        chain.from_iterable(_rows(one) for one in measured), key=lambda row: (row["rule"], row["wave"] or "")
    )
    terms = [
        {"rule": one.name, "source": term.source, "lake_table": term.lake_table}
        | {"violation_sql": term.violation_sql, "applicable_sql": term.applicable_sql}
        for one in compiled
        for term in one.terms
    ]
    terms.sort(key=lambda row: (row["rule"], row["source"], row["lake_table"]))
    inputs = {
        (term.source, term.lake_table, item, table)
        for one in compiled
        for term in one.terms
        for item, table in term.inputs
    }
    return {
        "rules": pa.Table.from_pylist(rows, schema=RULES),
        "rule_terms": pa.Table.from_pylist(terms, schema=RULE_TERMS),
        "rule_inputs": pa.Table.from_pylist(
            [dict(zip(RULE_INPUTS.names, row, strict=True)) for row in sorted(inputs)], schema=RULE_INPUTS
        ),
        "form_rules": pa.Table.from_pylist(_form_rows(compiled), schema=FORM_RULES),
    }


@dataclass(frozen=True)
class _Compiled:
    rule: Rule
    name: str
    item: Item | None
    terms: tuple[Term, ...]
    stated: FormStatement | None = None
    why_not: str | None = None


def _compiled(rule: Rule, programme: KnownItems) -> list[_Compiled]:
    faults = []
    for place, wave in enumerate(rule.spec.waves):
        if wave not in programme.waves:
            remedy = nearest(wave, programme.waves, "name a wave of programme.yml")
            faults.append(rule.fault(f"waves.{place}", f"there is no wave '{wave}'", remedy))
    if faults:
        raise RuleFaults(faults)
    spec = rule.spec
    if isinstance(spec, OfForm):
        return [
            _Compiled(rule, _fanned_out(rule, one.item), one.item, one.terms, one.stated, one.why_not)
            for one in form_rules(spec, programme)
        ]
    if isinstance(spec, OfSeveral) or (isinstance(spec, ExclusiveOptions) and spec.others):
        return _block(rule, spec, programme)
    if not isinstance(spec, OfItem):
        return [_Compiled(rule, rule.name, None, ())]
    if isinstance(spec, Check):
        return _checks(rule, spec, programme)
    if spec.item is None:
        # A cell that no indicator reads touches no published number; rules that name it still judge the
        # record.
        read = [item for key, item in sorted(programme.items.items()) if key in programme.measured]
        return [
            _of_item(rule, spec, item, _fanned_out(rule, item), programme)
            for item in read
            if applies_to(spec, item)
        ]
    item = _named_item(rule, spec.item, programme)
    if problem := never_fails(spec, item):
        raise RuleFaults([rule.fault("item", *problem)])
    return [_of_item(rule, spec, item, rule.name, programme)]


def _checks(rule: Rule, spec: Check, programme: KnownItems) -> list[_Compiled]:

    def find(name: str) -> tuple[str, str, str]:
        try:
            found = programme.find(name)
        except LookupError as problem:
            raise ExpressionFault(*problem.args) from None
        return found.instrument, found.item, found.item_type

    try:
        expression = read_expression(spec.expression, find)
    except ExpressionFault as problem:
        raise RuleFaults([rule.fault("expression", problem.message, problem.remedy)]) from None
    if spec.item is None:
        return _of_expression(rule, "expression", expression, programme)
    item = _named_item(rule, spec.item, programme)
    if (item.instrument, item.item) not in expression.items:
        remedy = f"name one of {', '.join(programme.items[key].name for key in expression.items)}"
        raise RuleFaults([rule.fault("item", f"the expression does not use '{item.name}'", remedy)])
    return _of_expression(rule, "expression", expression, programme, item)


def _block(rule: Rule, spec: OfSeveral | ExclusiveOptions, programme: KnownItems) -> list[_Compiled]:
    items, faults = [], []
    for field, name in named_items(spec):
        try:
            items.append(programme.find(name))
        except LookupError as problem:
            faults.append(rule.fault(field, *problem.args))
    if faults:
        raise RuleFaults(faults)
    field = "items" if isinstance(spec, OfSeveral) else "others"
    try:
        expression = block_expression(spec, items)
    except ExpressionFault as problem:
        raise RuleFaults([rule.fault(field, problem.message, problem.remedy)]) from None
    return _of_expression(rule, field, expression, programme)


def _of_expression(
    rule: Rule, field: str, expression: Expression, programme: KnownItems, item: Item | None = None
) -> list[_Compiled]:
    """The rule for one item, or for each that an indicator reads; `field` is where the items are named."""
    if len({instrument for instrument, _ in expression.items}) > 1:
        message = "the expression uses items of several instruments, which no one record holds"
        raise RuleFaults([rule.fault(field, message, "use the items of one instrument")])
    if item is not None:
        used = [item]
    else:
        used = [programme.items[key] for key in expression.items if key in programme.measured]
        used = used or [programme.items[expression.items[0]]]
    single = len(used) == 1
    tables = [table for table in programme.tables if table.items.issuperset(expression.items)]
    terms = tuple(Term.of_expression(table, expression) for table in tables)
    return [_Compiled(rule, rule.name if single else _fanned_out(rule, item), item, terms) for item in used]


def _of_item(rule: Rule, spec: OfItem, item: Item, name: str, programme: KnownItems) -> _Compiled:
    tables = (table for table in programme.tables if (item.instrument, item.item) in table.items)
    return _Compiled(rule, name, item, tuple(item_term(spec, item, table) for table in tables))


def _fanned_out(rule: Rule, item: Item) -> str:
    return f"{rule.name}__{item.instrument}__{item.item}"


def _named_item(rule: Rule, name: str, programme: KnownItems) -> Item:
    try:
        return programme.find(name)
    except LookupError as problem:
        raise RuleFaults([rule.fault("item", *problem.args)]) from None


def _collisions(compiled: Iterable[_Compiled]) -> list[RuleFault]:
    faults, first = [], dict[str, _Compiled]()
    for one in compiled:
        if first.setdefault(one.name, one) is not one:
            message = f"'{one.name}' is also what '{first[one.name].rule.name}' is called for that item"
            faults.append(one.rule.fault("rule", message, "choose another id"))
    return faults


def _rows(one: _Compiled) -> list[dict[str, Any]]:
    spec = one.rule.spec
    words = spec.description or spec.rule.replace("_", " ")
    stated = f": {one.stated.source_text}" if one.stated else ""
    row = {
        "rule": one.name,
        "rule_type": spec.type,
        "dimension": spec.dimension,
        "severity": spec.severity,
        "scope": spec.scope,
        "instrument": one.item.instrument if one.item else None,
        "item": one.item.item if one.item else None,
        "comparison": spec.comparison,
        "threshold": spec.threshold,
        "unit": spec.unit,
        "description": f"{words} ({one.item.name}){stated}" if one.item else words,
        "set_by": spec.set_by,
        "set_on": spec.set_on,
        "ground": spec.ground,
        "valid_from": spec.valid_from,
        "parameters": spec.parameters,
    }
    return [row | {"wave": wave} for wave in dict.fromkeys(spec.waves or (None,))]


def _form_rows(compiled: Iterable[_Compiled]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"instrument": one.stated.instrument, "path": one.stated.path, "kind": one.stated.kind}
        | {"rule": one.name if one.terms else None, "why_not_measured": one.why_not}
        for one in compiled
        if one.stated
    ]
    return sorted(rows, key=lambda row: (row["instrument"], row["path"], row["kind"], row["rule"] or ""))
