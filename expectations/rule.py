"""Reads rules: many YAML entries become a checked set, or every fault in them at once.

In: entries (plain data that knows its file and lines). Out: `Rule`s in the order of their ids, and the
fingerprint of what they say. Nothing here knows the programme's items, sites or waves: `compile` does.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from expectations.fault import RuleFault, RuleFaults, nearest
from expectations.rule_types import RULE_TYPES, FormRule, ItemRule, MeasuredRule, RuleSpec

_SPECS: TypeAdapter[ItemRule | FormRule | MeasuredRule] = TypeAdapter(RuleSpec)


class Entry(Protocol):
    """One mapping of a YAML file that knows where it and its fields stand."""

    @property
    def data(self) -> dict[str, Any]: ...  # noqa: D102
    @property
    def file(self) -> Any: ...  # noqa: D102
    @property
    def line(self) -> int: ...  # noqa: D102
    def line_of(self, path: str, /) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Rule:
    """One rule and the place where it is written down.

    Attributes:
        spec: What the rule says.
        entry: The YAML entry it was read from.
    """

    spec: ItemRule | FormRule | MeasuredRule
    entry: Entry

    @property
    def name(self) -> str:
        """The rule's id."""
        return self.spec.rule

    def fault(self, field: str, message: str, remedy: str) -> RuleFault:
        """A finding about one field of this rule, with the file and line of that field."""
        return RuleFault(str(self.entry.file), self.entry.line_of(field), f"rule.{field}", message, remedy)


def shipped_rules_folder() -> Path:
    """The folder of the rules that hold for every programme, one YAML file per dimension."""
    return Path(__file__).parent / "rules"


def load_rules(entries: Iterable[Entry]) -> list[Rule]:
    """Checks rules and returns them sorted by id, those that another one `replaces` left out.

    Args:
        entries: One YAML entry per rule, shipped ones and the programme's own together.

    Raises:
        RuleFaults: Anything is wrong with any of them; all findings are carried at once.
    """
    rules: list[Rule] = []
    faults: list[RuleFault] = []
    for entry in entries:
        try:
            rules.append(Rule(_SPECS.validate_python(entry.data), entry))
        except ValidationError as error:
            faults += [
                _fault(entry, detail) for detail in error.errors(include_url=False, include_context=False)
            ]
    rules, replacing_faults = _without_replaced(rules)
    faults += replacing_faults + _duplicates(rules) + _seeing(rules)
    if faults:
        raise RuleFaults(faults)
    return sorted(rules, key=lambda rule: rule.name)


def fingerprint(rules: Iterable[Rule]) -> str:
    """SHA-256 (hex) over what the rules say, whatever their order, files, lines or comments."""
    said = sorted((rule.spec.model_dump(mode="json") for rule in rules), key=lambda spec: str(spec["rule"]))
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _without_replaced(rules: Sequence[Rule]) -> tuple[list[Rule], list[RuleFault]]:
    faults: list[RuleFault] = []
    gone: dict[int, Rule] = {}
    for rule in rules:
        target = rule.spec.replaces
        if target is None:
            continue
        replaced = [other for other in rules if other.name == target and other is not rule]
        if not replaced:
            remedy = nearest(
                target, (other.name for other in rules if other is not rule), "name a rule that exists"
            )
            faults.append(rule.fault("replaces", f"there is no rule '{target}' to replace", remedy))
        for other in replaced:
            if other.spec.type != rule.spec.type:
                message = (
                    f"'{target}' is of type {other.spec.type}, which a rule of another type cannot replace"
                )
                faults.append(
                    rule.fault("replaces", message, f"give the new rule the type {other.spec.type}")
                )
            if id(other) in gone:
                message = f"'{target}' is already replaced by '{gone[id(other)].name}'"
                faults.append(rule.fault("replaces", message, "keep one of the two"))
            gone[id(other)] = rule
    return [rule for rule in rules if id(rule) not in gone], faults


def _seeing(rules: Iterable[Rule]) -> list[RuleFault]:
    """Whoever withholds sites for their outcomes selects on results."""
    return [
        rule.fault(
            "severity",
            f"a rule of type {rule.spec.type} sees outcomes; what it withheld would be chosen by results",
            "write severity: warning",
        )
        for rule in rules
        if rule.spec.sees_outcomes and rule.spec.severity == "critical"
    ]


def _duplicates(rules: Iterable[Rule]) -> list[RuleFault]:
    faults: list[RuleFault] = []
    first: dict[str, Rule] = {}
    for rule in rules:
        earlier = first.setdefault(rule.name, rule)
        if earlier is not rule:
            message = (
                f"the rule '{rule.name}' is already written in {earlier.entry.file}:{earlier.entry.line}"
            )
            remedy = f"choose another id, or say `replaces: {rule.name}` to change that rule"
            faults.append(rule.fault("rule", message, remedy))
    return faults


def _fault(entry: Entry, detail: ErrorDetails) -> RuleFault:
    # The path is headed by the rule's type, which tells the union's members apart; its author never wrote it.
    path = ".".join(str(part) for part in detail["loc"][1:]) or ("type" if "tag" in detail["type"] else "")
    message, remedy = _words(entry.data, path, detail)
    line = entry.line_of(path) if path else entry.line
    return RuleFault(str(entry.file), line, f"rule.{path}" if path else "rule", message, remedy)


def _words(data: Mapping[str, object], path: str, detail: ErrorDetails) -> tuple[str, str]:
    kind = detail["type"]
    if kind == "union_tag_not_found":
        return "the rule has no type", f"add `type:`, one of {', '.join(RULE_TYPES)}"
    if kind == "union_tag_invalid":
        given = str(data.get("type"))
        return f"there is no rule type '{given}'", nearest(
            given, RULE_TYPES, f"use one of {', '.join(RULE_TYPES)}"
        )
    known = RULE_TYPES[str(data["type"])].model_fields if data.get("type") in RULE_TYPES else {}
    if kind == "extra_forbidden":
        remedy = nearest(path, known, f"use only {', '.join(known)}")
        return f"a rule of type {data['type']} has no field '{path}'", remedy
    if kind == "missing":
        return f"'{path}' is missing", f"add `{path}:`"
    if kind == "string_pattern_mismatch":
        return (
            f"'{path}' is no valid id",
            "use lower-case letters, digits and underscores, starting with a letter",
        )
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, "), "state limits that data can both keep and break"
    return detail["msg"][:1].lower() + detail["msg"][1:], "correct the value"
