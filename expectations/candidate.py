"""The gate on the candidate: the tables about to be published, judged for shape, range and completeness.

In: the published tables and their keys. Out: whether they may be released, and every check made of them. This
gate withholds no cell and weighs no result: it refuses the whole candidate when what stands in it cannot be
right. As with data, what a check finds is counted first; Great Expectations judges the counts of all tables
at once, and where it broke, judged fewer than it was given or finds otherwise than the counts say, the checks
concerned are errors, which refuse.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa

from expectations.candidate_checks import Check, table_checks, with_shown_counts
from expectations.candidate_facts import CheckFact, check_fact
from expectations.suites import Expectation, run_expectations

REQUIRED = (
    "headline",
    "sites",
    "waves",
    "indicators",
    "indicator_values",
    "site_effects",
    "pooled_effects",
    "effect_retention",
    "coverage",
    "quality_verdicts",
    "provenance",
    "data_dictionary",
)
CHECKS = pa.schema(
    [(name, pa.string()) for name in ("table", "check", "column", "severity", "state", "detail")]
)
# Aggregates hold no cells of people to count, and estimates no values of arms: what they leave empty.
_WITHOUT_COVERAGE = frozenset({"moments", "estimates"})
_WITHOUT_VALUES = frozenset({"estimates"})
# The release's own default, so that a caller who forgets to say is refused rather than obeyed.
DEFAULT_MIN_CELL = 7


@dataclass(frozen=True)
class CandidateVerdict:
    """Whether a candidate may be released.

    Attributes:
        is_passing: True if every critical check passed and no check is an error.
        checks: table, check, column, severity, state (pass, warn, fail, error), detail; sorted by the first
            three.
    """

    is_passing: bool
    checks: pa.Table


def tables_of_nothing(roles: Collection[str], bases: Collection[str]) -> frozenset[str]:
    """The tables that a programme, by its own definition, has nothing for: they may be empty, no others.

    Args:
        roles: The roles of its sources; one not known to send aggregates is taken to send records.
        bases: What its expected cells rest on: rows, moments or estimates.
    """
    rests_on = {"coverage": (roles, _WITHOUT_COVERAGE), "indicator_values": (bases, _WITHOUT_VALUES)}
    return frozenset(name for name, (used, without) in rests_on.items() if used and without.issuperset(used))


def judge_candidate(
    tables: Mapping[str, pa.Table],
    keys: Mapping[str, Sequence[str]],
    min_cell: int = DEFAULT_MIN_CELL,
    may_be_empty: Collection[str] = (),
) -> CandidateVerdict:
    """Judges the tables of a candidate.

    Args:
        tables: Every table to be published, by name.
        keys: The columns that name a row of each table.
        min_cell: Smallest count of people that may be shown where a row is not suppressed, except 0; 0 for a
            public programme, which shows all of them.
        may_be_empty: Tables that the programme has nothing for; they must be there all the same.
    """
    rows = [
        _row(name, "is_there", "", "fail", "the table is missing") for name in REQUIRED if name not in tables
    ]
    shares = _shares(tables)
    facts: list[CheckFact] = []
    for name, table in sorted(tables.items()):
        key = list(keys.get(name, ()))
        unknown = [column for column in key if column not in table.column_names]
        if unknown or not key:
            what = f"the key names no column {', '.join(unknown)}" if unknown else "no key is stated"
            rows.append(_row(name, "has_key", "", "error", what))
            key = []
        prepared = with_shown_counts(table)
        is_required = name in REQUIRED and name not in may_be_empty
        checks = table_checks(name, prepared, key, shares, is_required, min_cell)
        facts += [check_fact(prepared, check) for check in checks]
    rows += _judged([*facts, *_dictionary_facts(tables)])
    rows.sort(key=lambda row: (row["table"], row["check"], row["column"]))
    is_passing = bool(tables) and not any(row["state"] in ("fail", "error") for row in rows)
    return CandidateVerdict(is_passing, pa.Table.from_pylist(rows, schema=CHECKS))


def _judged(facts: Sequence[CheckFact]) -> list[dict[str, str]]:
    """Each check's state: one expectation for each kind and severity judges what all its checks found."""
    counted = [(str(place), fact) for place, fact in enumerate(facts) if fact.error is None]
    columns = {
        "fact": [place for place, _ in counted],
        "kind": [fact.check.kind for _, fact in counted],
        "severity": [fact.check.severity for _, fact in counted],
        "violation_count": [fact.violation_count for _, fact in counted],
        "allowed_count": [0] * len(counted),
    }
    members = {
        group: [place for place, _ in found]
        for group, found in groupby(
            sorted(counted, key=lambda one: _group(one[1])), lambda one: _group(one[1])
        )
    }
    findings = run_expectations(pa.table(columns), [_at_most_allowed(*group) for group in members], ["fact"])
    states: dict[str, tuple[str, str]] = {}
    for group, places in members.items():
        finding = findings["/".join(group)]
        failing = {place for (place,) in finding.unexpected_keys}
        broken = finding.error
        if broken is None and (
            finding.judged_count != len(places) or finding.unexpected_count != len(failing)
        ):
            broken = f"{finding.judged_count} of {len(places)} checks were judged"
        for place in places:
            fact = facts[int(place)]
            states[place] = ("error", broken) if broken else _state(fact, place in failing)
    told = []
    for number, fact in enumerate(facts):
        state, detail = states.get(str(number), ("error", fact.error or "it was not judged"))
        check = fact.check
        told.append(_row(check.table, check.check, check.column, state, detail, check.severity))
    return told


def _group(fact: CheckFact) -> tuple[str, str]:
    return fact.check.kind, fact.check.severity


def _at_most_allowed(kind: str, severity: str) -> Expectation:
    return Expectation(
        id=f"{kind}/{severity}",
        kind="ExpectColumnPairValuesAToBeGreaterThanB",
        options={
            "column_A": "allowed_count",
            "column_B": "violation_count",
            "or_equal": True,
            "ignore_row_if": "neither",
        },
        severity="critical" if severity == "critical" else "warning",
        where={"kind": kind, "severity": severity},
    )


def _state(fact: CheckFact, is_failing: bool) -> tuple[str, str]:
    if is_failing != (fact.violation_count > 0):
        return "error", "the judgement and the count differ"
    if not is_failing:
        return "pass", f"{fact.row_count} rows judged"
    failed = "fail" if fact.check.severity == "critical" else "warn"
    is_of_table = fact.check.kind == "has_rows"
    return (
        failed,
        f"{fact.row_count} rows" if is_of_table else f"{fact.violation_count} of {fact.row_count} rows",
    )


def _shares(tables: Mapping[str, pa.Table]) -> list[str]:
    indicators = tables.get("indicators")
    if indicators is None or not {"indicator", "statistic"} <= set(indicators.column_names):
        return []
    return sorted({row["indicator"] for row in indicators.to_pylist() if row["statistic"] == "share"})


def _dictionary_facts(tables: Mapping[str, pa.Table]) -> list[CheckFact]:
    """The dictionary describes every column of every table, and nothing else."""
    dictionary = tables.get("data_dictionary")
    if dictionary is None:
        return []
    covers = Check("data_dictionary", "covers_every_column", "", "given")
    needed = {"table_name", "column_name", "description"}
    if not needed <= set(dictionary.column_names):
        lacking = ", ".join(sorted(needed - set(dictionary.column_names)))
        return [CheckFact(covers, error=f"it lacks the columns {lacking}")]
    described = {
        (row["table_name"], row["column_name"])
        for row in dictionary.to_pylist()
        if row["description"] and row["description"].strip()
    }
    present = {(name, column) for name, table in tables.items() for column in table.column_names}
    nothing_else = Check("data_dictionary", "describes_nothing_else", "", "given")
    return [
        CheckFact(covers, len(present), len(present - described)),
        CheckFact(nothing_else, len(described), len(described - present)),
    ]


def _row(
    table: str, check: str, column: str, state: str, detail: str, severity: str = "critical"
) -> dict[str, str]:
    return {
        "table": table,
        "check": check,
        "column": column,
        "severity": severity,
        "state": state,
        "detail": detail,
    }
