"""Whether what a rule over interviews speaks of is there: keys that sources tell, back-checks, known items.

In: checked rules and the registry's tables. Out: faults. Shipped rules ask for nothing: where a key is not
told they are not applicable.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from expectations.fault import RuleFault, nearest
from expectations.items import KnownItems
from expectations.rule import Rule, shipped_rules_folder
from expectations.rule_types.of_interviews import (
    BackCheckErrorRate,
    BackCheckReliability,
    EnumeratorEffect,
    Needing,
)

_NUMBERS = ("integer", "number", "amount")


def interview_faults(
    rules: Iterable[Rule], programme: KnownItems, registry: Mapping[str, pa.Table]
) -> Iterator[RuleFault]:
    """Faults of a programme's own rules that nothing it declares could answer.

    Args:
        rules: Checked rules.
        programme: The items that rules may name.
        registry: `sources` and `source_keys` where the programme is known; without them nothing is asked.
    """
    told = _told(registry)
    for rule in rules:
        spec = rule.spec
        if not isinstance(spec, Needing):
            continue
        yield from _items(rule, spec, programme)
        if told is None or Path(rule.entry.file).parent == shipped_rules_folder():
            continue
        for need in spec.needs:
            if need not in told:
                remedy = f"add `{need}:` to the keys of a survey source in sources.yml"
                if need == "back_check":
                    remedy = "add a source with `role: back_check`"
                yield rule.fault(
                    "type", f"a rule of type {spec.type} needs {need}, which no source tells", remedy
                )


def _told(registry: Mapping[str, pa.Table]) -> set[str] | None:
    if "sources" not in registry or "source_keys" not in registry:
        return None
    roles = {row["source"]: row["role"] for row in registry["sources"].to_pylist()}
    keys = registry["source_keys"].to_pylist()
    told = {row["key"] for row in keys if roles.get(row["source"]) == "survey"}
    return told | {role for role in roles.values() if role == "back_check"}


def _items(rule: Rule, spec: Needing, programme: KnownItems) -> Iterator[RuleFault]:
    named: dict[str, str] = {}
    if isinstance(spec, EnumeratorEffect) and spec.item is not None:
        named = {"item": spec.item}
    elif isinstance(spec, BackCheckErrorRate | BackCheckReliability):
        named = {f"items.{place}": name for place, name in enumerate(spec.items)}
    for field, name in named.items():
        try:
            item = programme.find(name)
        except LookupError as problem:
            yield rule.fault(field, *problem.args)
            continue
        if field == "item" and item.item_type not in (*_NUMBERS, "boolean"):
            numbers = [one.name for one in programme.items.values() if one.item_type in _NUMBERS]
            message = f"'{name}' is a {item.item_type}, which has no variance"
            yield rule.fault(field, message, nearest(name, numbers, "name an item of numbers, or a boolean"))
