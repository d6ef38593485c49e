"""The gate on data: every measured fact against its threshold, and every cell by the worst of its rules.

In: `facts.int_facts` (counts by rule, site, wave and indicator) and the cells that should be measured. Out:
`quality.judgements` and `quality.admission`. No answer of a respondent and no outcome by arm comes this far.

Great Expectations judges; the same comparison is then made a second time without it. Where the two differ,
where an expectation raised or where it did not judge every row it was given, the rows concerned are errors: a
broken judge withholds.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import polars as pl
import pyarrow as pa

from expectations.admission import admitted_cells
from expectations.candidate import CandidateVerdict, judge_candidate, tables_of_nothing
from expectations.rule_types import RULE_TYPES
from expectations.suites import Expectation, Finding, run_expectations
from expectations.waiver import waived

__all__ = ["CandidateVerdict", "judge_candidate", "judge_facts", "tables_of_nothing"]

KEY = ("rule", "site", "wave", "indicator")
JUDGEMENTS = pa.schema(
    [(name, pa.string()) for name in ("rule", "rule_type", "dimension", "severity", "scope", *KEY[1:])]
    + [("measured", pa.float64()), ("comparison", pa.string()), ("threshold", pa.float64())]
    + [
        ("violations", pa.int64()),
        ("denominator", pa.int64()),
        ("state", pa.string()),
        ("reason", pa.string()),
        ("waiver", pa.string()),
    ]
)
_GROUP = ("rule_type", "comparison", "severity")
_FACTS = [name for name in JUDGEMENTS.names if name not in ("state", "reason", "waiver")]
_FACT_SCHEMA = pa.schema(
    [*map(JUDGEMENTS.field, _FACTS), ("fact_state", pa.string()), ("reason", pa.string())]
)
# What must be greater than, or equal to, what.
_PAIRS = {"at_most": ("threshold", "measured"), "at_least": ("measured", "threshold")}

Fact = dict[str, Any]
Judgement = tuple[str, str]


def judge_facts(facts: pa.Table, cells: pa.Table, waivers: pa.Table | None = None) -> dict[str, pa.Table]:
    """Judges facts and decides which cells may be used.

    Args:
        facts: `facts.int_facts`; only the contract's columns are read.
        cells: site, wave, indicator, wave_state: one row per expected cell.
        waivers: `registry.waivers`, of which those in force make warnings of failures.

    Returns:
        `judgements` (key: rule, site, wave, indicator) and `admission` (key: site, wave, indicator), both
        sorted by key. States are error, fail, warn, pass and not_applicable.

    Raises:
        ValueError: A column of the contract is missing.
    """
    missing = [name for name in _FACT_SCHEMA.names if name not in facts.column_names]
    if missing:
        raise ValueError(f"facts lack the columns {', '.join(missing)}; check facts.int_facts")
    rows = facts.select(_FACT_SCHEMA.names).cast(_FACT_SCHEMA).to_pylist()
    judged = _without_gx(rows)
    measured = [row for place, row in enumerate(rows) if place not in judged]
    by_key = _with_gx(measured)
    in_force = waivers.to_pylist() if waivers is not None else []
    results = []
    for place, row in enumerate(rows):
        state, reason, waiver = waived(row, *(judged.get(place) or by_key[_key(row)]), in_force)
        told = {"state": state, "reason": reason, "waiver": waiver}
        results.append({name: row[name] for name in _FACTS} | told)
    results.sort(key=lambda row: tuple(str(row[name]) for name in (*KEY, "state", "reason")))
    # Facts that share a key are all errors; one of them stands for them, so that the key stays a key.
    unique = [next(group) for _, group in groupby(results, key=_key)]
    judgements = pa.Table.from_pylist(unique, schema=JUDGEMENTS)
    return {"judgements": judgements, "admission": admitted_cells(judgements, cells)}


def in_words(row: Fact) -> str:
    """What was measured against what, e.g. `14.2% of 310 against at most 1%`."""
    spec = RULE_TYPES.get(row["rule_type"])
    unit = spec.unit if spec else "percent"
    measured, limit = (_number(row[name], unit) for name in ("measured", "threshold"))
    if measured == limit and row["measured"] != row["threshold"]:
        measured = _number(row["measured"], unit, digits=9)
    sign = "p = " if unit == "probability" else ""
    of = f" of {row['denominator']}" if row["denominator"] is not None and unit == "percent" else ""
    return f"{sign}{measured}{of} against {str(row['comparison']).replace('_', ' ')} {limit}"


def _number(value: float, unit: str, digits: int = 3) -> str:
    if value >= 100:
        digits = max(digits, 6)
    return f"{value:.{digits}g}" + {
        "percent": "%",
        "days": " days",
        "points": " percentage points",
        "sd": " standard deviations",
    }.get(unit, "")


def _without_gx(rows: Sequence[Fact]) -> dict[int, Judgement]:
    """The facts, by their place, that leave nothing to compare: unmeasured, contradictory or not unique."""
    counts: dict[tuple[str, ...], int] = {}
    for row in rows:
        counts[_key(row)] = counts.get(_key(row), 0) + 1
    judged = {}
    for place, row in enumerate(rows):
        if counts[_key(row)] > 1 or any(row[name] is None for name in KEY):
            judged[place] = ("error", "several facts share this key, or it is incomplete")
        elif verdict := _unmeasured(row):
            judged[place] = verdict
    return judged


def _unmeasured(row: Fact) -> Judgement | None:
    said = row["reason"]
    if row["severity"] not in ("critical", "warning") or row["comparison"] not in _PAIRS:
        return "error", "the fact names no known severity or comparison"
    if row["fact_state"] == "not_applicable":
        return "not_applicable", said or "the design does not ask for it here"
    if row["fact_state"] == "no_data":
        return "fail", said or "there are no data to measure"
    if row["fact_state"] != "measured":
        return "error", said or "the rule was not evaluated"
    if not _is_finite(row["measured"]) or not _is_finite(row["threshold"]):
        return "error", "the fact is called measured but holds no number"
    if row["denominator"] == 0:
        return "error", "the fact is called measured but was measured on nothing"
    return None


def _with_gx(rows: Sequence[Fact]) -> dict[tuple[str, ...], Judgement]:
    """Measured facts by key; one expectation per rule type, comparison and severity judges all its rows."""
    if not rows:
        return {}
    groups: dict[tuple[str, ...], list[Fact]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in _GROUP), []).append(row)
    expectations = [_measured_against_threshold(group) for group in sorted(groups)]
    columns = [*KEY, *_GROUP, "measured", "threshold"]
    table = pa.Table.from_pylist(list(rows), schema=pa.schema([JUDGEMENTS.field(name) for name in columns]))
    findings = run_expectations(table, expectations, KEY)
    judged: dict[tuple[str, ...], Judgement] = {}
    for group, members in groups.items():
        judged |= _reconciled(members, findings["/".join(group)])
    return judged


def _measured_against_threshold(group: tuple[str, ...]) -> Expectation:
    larger, smaller = _PAIRS[group[1]]
    return Expectation(
        id="/".join(group),
        kind="ExpectColumnPairValuesAToBeGreaterThanB",
        options={"column_A": larger, "column_B": smaller, "or_equal": True, "ignore_row_if": "neither"},
        severity="critical" if group[2] == "critical" else "warning",
        where=dict(zip(_GROUP, group, strict=True)),
    )


def _reconciled(rows: Sequence[Fact], finding: Finding) -> dict[tuple[str, ...], Judgement]:
    """The findings on the rows of one expectation, believed only where the comparison bears them out."""
    unexpected = set(finding.unexpected_keys)
    broken = finding.error
    if broken is None and finding.judged_count != len(rows):
        broken = f"{finding.judged_count} of {len(rows)} facts were judged"
    if broken is None and (
        len(unexpected) != finding.unexpected_count or not unexpected <= {_key(row) for row in rows}
    ):
        broken = "the failing facts do not add up"
    if broken is None and finding.is_met != (not unexpected):
        broken = "the verdict and the failing facts contradict each other"
    if broken is not None:
        return {_key(row): ("error", f"the judgement broke off: {broken}") for row in rows}
    violating = _violating(rows)
    judged: dict[tuple[str, ...], Judgement] = {}
    for row in rows:
        key = _key(row)
        if (key in unexpected) != (key in violating):
            judged[key] = ("error", "the judgement and the comparison beside it differ")
        elif key in unexpected:
            judged[key] = ("fail" if row["severity"] == "critical" else "warn", in_words(row))
        else:
            judged[key] = ("pass", in_words(row))
    return judged


def _violating(rows: Sequence[Fact]) -> set[tuple[str, ...]]:
    """The same comparison a second time, by other means."""
    columns = {name: [row[name] for row in rows] for name in (*KEY, "comparison", "measured", "threshold")}
    above = (pl.col("comparison") == "at_most") & (pl.col("measured") > pl.col("threshold"))
    below = (pl.col("comparison") == "at_least") & (pl.col("measured") < pl.col("threshold"))
    return set(pl.DataFrame(columns).filter(above | below).select(KEY).iter_rows())


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _key(row: Fact) -> tuple[str, ...]:
    return tuple(row[name] for name in KEY)
