"""The gate on the candidate: the tables about to be published, judged for shape, range and completeness.

In: the published tables and their keys. Out: whether they may be released, and every check made of them. This
gate withholds no cell and weighs no result: it refuses the whole candidate when what stands in it cannot be
right.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from expectations.candidate_checks import Check, table_checks, with_shown_counts
from expectations.suites import Finding, run_expectations

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
    for name, table in sorted(tables.items()):
        key = list(keys.get(name, ()))
        unknown = [column for column in key if column not in table.column_names]
        if unknown or not key:
            what = f"the key names no column {', '.join(unknown)}" if unknown else "no key is stated"
            rows.append(_row(name, "has_key", "", "error", what))
            key = []
        prepared = with_shown_counts(table)
        is_required = name in REQUIRED and name not in may_be_empty
        rows += _judged(prepared, table_checks(name, prepared, key, shares, is_required, min_cell))
    rows += _dictionary_rows(tables)
    rows.sort(key=lambda row: (row["table"], row["check"], row["column"]))
    is_passing = bool(tables) and not any(row["state"] in ("fail", "error") for row in rows)
    return CandidateVerdict(is_passing, pa.Table.from_pylist(rows, schema=CHECKS))


def _judged(table: pa.Table, checks: Sequence[Check]) -> list[dict[str, str]]:
    findings = run_expectations(table, [check.expectation for check in checks]) if checks else {}
    rows = []
    for check in checks:
        state, detail = _state(check, findings[check.expectation.id], table.num_rows)
        rows.append(_row(check.table, check.check, check.column, state, detail, check.severity))
    return rows


def _state(check: Check, finding: Finding, row_count: int) -> tuple[str, str]:
    if finding.error is not None:
        return "error", finding.error
    is_of_table = check.kind.startswith("ExpectTable")
    if not is_of_table and (finding.judged_count is None or finding.unexpected_count is None):
        return "error", "the check gave no counts"
    if not is_of_table and not check.where and finding.judged_count != row_count:
        return "error", f"{finding.judged_count} of {row_count} rows were judged"
    if finding.is_met and not finding.unexpected_count:
        return "pass", f"{row_count if finding.judged_count is None else finding.judged_count} rows judged"
    failed = "fail" if check.severity == "critical" else "warn"
    if is_of_table:
        return failed, f"{row_count} rows"
    return failed, f"{finding.unexpected_count} of {finding.judged_count} rows"


def _shares(tables: Mapping[str, pa.Table]) -> list[str]:
    indicators = tables.get("indicators")
    if indicators is None or not {"indicator", "statistic"} <= set(indicators.column_names):
        return []
    return sorted({row["indicator"] for row in indicators.to_pylist() if row["statistic"] == "share"})


def _dictionary_rows(tables: Mapping[str, pa.Table]) -> list[dict[str, str]]:
    """The dictionary describes every column of every table, and nothing else."""
    dictionary = tables.get("data_dictionary")
    if dictionary is None:
        return []
    needed = {"table_name", "column_name", "description"}
    if not needed <= set(dictionary.column_names):
        detail = f"it lacks the columns {', '.join(sorted(needed - set(dictionary.column_names)))}"
        return [_row("data_dictionary", "covers_every_column", "", "error", detail)]
    described = {
        (row["table_name"], row["column_name"])
        for row in dictionary.to_pylist()
        if row["description"] and row["description"].strip()
    }
    present = {(name, column) for name, table in tables.items() for column in table.column_names}
    pairs = sorted(described | present, key=str)
    columns = {
        "is_described": ["yes" if pair in described else "no" for pair in pairs],
        "is_published": ["yes" if pair in present else "no" for pair in pairs],
    }
    checks = [
        Check(
            "data_dictionary", "covers_every_column", "", "ExpectColumnValuesToBeInSet", _yes("is_described")
        ),
        Check(
            "data_dictionary",
            "describes_nothing_else",
            "",
            "ExpectColumnValuesToBeInSet",
            _yes("is_published"),
        ),
    ]
    return _judged(pa.table(columns), checks)


def _yes(column: str) -> dict[str, object]:
    return {"column": column, "value_set": ["yes"]}


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
