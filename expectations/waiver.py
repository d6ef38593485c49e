"""Waivers: somebody answers for a failing rule at a site, until a day.

In: entries of the programme's waivers.yml, the rules and cells they may name, and the night's date. Out: the
registry table `waivers`, and, for judgements, what a waiver makes of them. A waiver never hides anything: the
failure is still told, with who waived it, why and until when.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from expectations.fault import RuleFault, RuleFaults, nearest
from expectations.rule import Entry
from expectations.rule_types.said import Text

LONGEST = timedelta(days=366)
WAIVERS = pa.schema(
    [(name, pa.string()) for name in ("waiver", "rule", "site", "wave", "indicator", "who", "why")]
    + [("from_date", pa.date32()), ("until_date", pa.date32()), ("not_evaluated", pa.bool_())]
    + [("state", pa.string())]
)
State = Literal["in_force", "expired", "not_yet"]


class Waiver(BaseModel):
    """One waiver, as its entry says; `*` is every wave, or every indicator."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, populate_by_name=True)

    rule: Text
    site: Text
    wave: Text = "*"
    indicator: Text = "*"
    who: Text
    why: Annotated[str, Field(min_length=10)]
    from_date: Annotated[date, Field(alias="from")]
    until_date: Annotated[date, Field(alias="until")]
    not_evaluated: bool = False

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.until_date < self.from_date:
            raise ValueError("`until` lies before `from`, so that it would never hold")
        if self.until_date - self.from_date > LONGEST:
            raise ValueError("it holds for more than a year; what is waived for good is no rule any more")
        return self

    def state(self, as_of: date) -> State:
        """Whether it holds on a day; the last day counts."""
        if as_of < self.from_date:
            return "not_yet"
        return "in_force" if as_of <= self.until_date else "expired"


@dataclass(frozen=True)
class Names:
    """What waivers may name."""

    rules: Sequence[str]
    sites: Sequence[str]
    waves: Sequence[str]
    indicators: Sequence[str]

    @classmethod
    def read(cls, registry: Mapping[str, pa.Table]) -> "Names":
        """Those of the registry; a rule that stands for many items may be named as it is written."""
        rules = registry["rules"]["rule"].to_pylist()
        written = {rule.partition("__")[0] for rule in rules}
        columns = (("sites", "site"), ("waves", "wave"), ("indicators", "indicator"))
        return cls(
            sorted({*rules, *written}),
            *(sorted(set(registry[table][column].to_pylist())) for table, column in columns),
        )


def waiver_table(entries: Iterable[Entry], registry: Mapping[str, pa.Table], as_of: date) -> pa.Table:
    """The registry table `waivers`, key `waiver`.

    Args:
        entries: One YAML entry per waiver.
        registry: At least `rules`, `sites`, `waves` and `indicators`.
        as_of: The night's date.

    Raises:
        RuleFaults: A waiver is not whole, or names what is not there.
    """
    names = Names.read(registry)
    rows: dict[str, dict[str, Any]] = {}
    faults: list[RuleFault] = []
    for entry in entries:
        try:
            waiver = Waiver.model_validate(entry.data)
        except ValidationError as error:
            faults += [_fault(entry, dict(detail)) for detail in error.errors(include_url=False)]
            continue
        faults += _unknown(entry, waiver, names)
        place = (waiver.rule, waiver.site, waiver.wave, waiver.indicator, waiver.from_date.isoformat())
        name = "/".join(place)
        if name in rows:
            faults.append(
                _told(entry, "", "the same is waived twice from the same day", "keep one of the two")
            )
        rows[name] = {"waiver": name, **waiver.model_dump(), "state": waiver.state(as_of)}
    if faults:
        raise RuleFaults(faults)
    return pa.Table.from_pylist([rows[name] for name in sorted(rows)], schema=WAIVERS)


def waived(
    judgement: Mapping[str, Any], state: str, reason: str, waivers: Sequence[Mapping[str, Any]]
) -> tuple[str, str, str | None]:
    """What waivers in force make of a judgement: its state, its reason, and the waiver that holds.

    A failure becomes a warning; an error does so only where the waiver says that the rule need not be
    evaluated. Everything else stays as it is.
    """
    if state not in ("fail", "error"):
        return state, reason, None
    for waiver in waivers:
        is_meant = waiver["state"] == "in_force" and (state == "fail" or waiver["not_evaluated"])
        if is_meant and _touches(waiver, judgement):
            until = waiver["until_date"].isoformat()
            words = f"waived by {waiver['who']} until {until} ({waiver['why']}): {reason}"
            return "warn", words, str(waiver["waiver"])
    return state, reason, None


def _touches(waiver: Mapping[str, Any], judgement: Mapping[str, Any]) -> bool:
    """A waiver of one wave or indicator holds for no judgement that speaks of more than that."""
    rule = str(judgement["rule"])
    if waiver["rule"] not in (rule, rule.partition("__")[0]) or waiver["site"] != judgement["site"]:
        return False
    return all(waiver[name] in ("*", judgement[name]) for name in ("wave", "indicator"))


def _unknown(entry: Entry, waiver: Waiver, names: Names) -> list[RuleFault]:
    known = {
        "rule": names.rules,
        "site": names.sites,
        "wave": ("*", *names.waves),
        "indicator": ("*", *names.indicators),
    }
    return [
        _told(
            entry,
            field,
            f"there is no {field} '{getattr(waiver, field)}'",
            nearest(getattr(waiver, field), there, f"name a {field} of the programme"),
        )
        for field, there in known.items()
        if getattr(waiver, field) not in there
    ]


def _fault(entry: Entry, detail: Mapping[str, Any]) -> RuleFault:
    path = ".".join(str(part) for part in detail["loc"])
    words = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "missing":
        return _told(entry, path, f"'{path}' is missing", f"add `{path}:`")
    if detail["type"] == "extra_forbidden":
        fields = [field.alias or name for name, field in Waiver.model_fields.items()]
        return _told(entry, path, f"a waiver has no field '{path}'", nearest(path, fields, "remove it"))
    return _told(entry, path, words[:1].lower() + words[1:], "correct it")


def _told(entry: Entry, path: str, message: str, remedy: str) -> RuleFault:
    line = entry.line_of(path) if path else entry.line
    return RuleFault(str(entry.file), line, f"waiver.{path}" if path else "waiver", message, remedy)
