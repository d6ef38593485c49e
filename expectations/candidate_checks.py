"""What every published table must look like, read off the names of its columns.

In: one published table, its key and the smallest count that may be shown. Out: the checks to make, and the
table with the few columns they need added. Nothing is measured or judged here, and no table's meaning is
known beyond the naming rules: `_pct` lies in 0-100, `_se` is not negative, `_low <= the number <= _high`,
`p_` is a probability.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

Severity = Literal["critical", "warning"]
# What the rows of a check must be; `ordered` names the smaller column, then the larger.
Kind = Literal["has_rows", "given", "missing", "unique", "between", "ordered", "one_of"]

QUALITY_VERDICTS = ("pass", "warn", "fail", "not_applicable", "error")
SCALING_VERDICTS = (
    "held",
    "faded",
    "faded_partial",
    "faded_negligible",
    "reversed",
    "not_established",
    "inconclusive",
    "not_comparable",
    "not_identified",
    "not_applicable",
    "interim",
)
CHANGE_VERDICTS = ("attenuated", "amplified", "no_detectable_change", "not_applicable")
COMPARABILITY_CLASSES = ("A", "B", "C")
RETENTION_SETS = ("bounded", "not_estimable", "not_applicable")

_LARGEST = 1.7976931348623157e308
# A share is total over mass: its last digit may lie beyond the bound it equals.
_SLACK = 1e-9
_POINTS = ("estimate", "value", "effect", "retention", "pilot_estimate", "scaled_estimate")
_REASONS = ("verdict_words", "state_reason")
_PEOPLE = re.compile(r"(^|_)n(_|$)|^(violation|denominator)_count$")
_POSITIVE = re.compile(r"^(clusters_.*|sd|sd_.*|se|tau2|q)$")
_SHOWN = "shown__"


@dataclass(frozen=True)
class Check:
    """One check of one table, as data.

    Attributes:
        table: The table.
        check: What the check is called.
        column: The column or columns it concerns, as it is told.
        kind: How its rows must be.
        columns: The columns it reads.
        low: Least value of `between`.
        high: Largest value of `between`.
        values: The words of `one_of`.
        may_lack_one: Whether `ordered` passes over rows with one value, as it does over those with none.
        severity: How much a failure weighs.
        where: Rows it is asked of, all of them if empty: column -> texts it is one of, or whether it is given
            (True) or missing (False).
    """

    table: str
    check: str
    column: str
    kind: Kind
    columns: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    values: tuple[str, ...] = ()
    may_lack_one: bool = False
    severity: Severity = "critical"
    where: Mapping[str, bool | Sequence[str]] = field(default_factory=dict)


def table_checks(
    name: str, table: pa.Table, key: Sequence[str], shares: Sequence[str], is_required: bool, min_cell: int
) -> list[Check]:
    """The checks of one published table.

    Args:
        name: The table.
        table: Its rows, prepared by `with_shown_counts`.
        key: Columns that name a row; an empty key is for the caller to refuse.
        shares: Indicators whose values are percentages of people.
        is_required: Whether it must hold a row.
        min_cell: Counts of people from 1 up to below this one must not be shown; 0 where all may be.
    """
    checks = [Check(name, "has_rows", "", "has_rows")] if is_required else []
    # Every check holds of an empty table; only its emptiness is worth a line.
    if table.num_rows:
        checks += [*_of_key(table, key), *_of_numbers(table), *_of_intervals(table), *_of_words(name, table)]
        checks += [*_of_shares(table, shares), *_of_reasons(table), *_of_counts(table, min_cell)]
    return [replace(check, table=name) for check in checks]


def with_shown_counts(table: pa.Table) -> pa.Table:
    """The table with, for each count of people, one more column: the counts shown that tell of somebody."""
    if "is_suppressed" not in table.column_names:
        return table
    hidden = pc.fill_null(table["is_suppressed"], False)
    for column in _people_counts(table):
        told = pc.and_(pc.invert(hidden), pc.not_equal(table[column], 0))
        table = table.append_column(_SHOWN + column, pc.if_else(told, table[column], None))
    return table


def _given(check: str, column: str) -> Check:
    return Check("", check, column, "given", (column,))


def _between(check: str, column: str, low: float, high: float = math.inf) -> Check:
    return Check("", check, column, "between", (column,), low, high)


def _of_key(table: pa.Table, key: Sequence[str]) -> Iterator[Check]:
    for column in key:
        yield _given("key_is_given", column)
    if key:
        yield Check("", "key_is_unique", ", ".join(key), "unique", tuple(key))


def _of_numbers(table: pa.Table) -> Iterator[Check]:
    """One range per number: what its name promises, and finite in any case."""
    for column in _numeric(table):
        if column == "df" or column.endswith("_df"):
            # Infinite degrees of freedom are the normal distribution; no other number may be infinite.
            yield _between("is_not_negative", column, 0)
        elif column.endswith("_pct"):
            yield _between("is_percentage", column, 0, 100 + _SLACK)
        elif column.startswith("p_"):
            yield _between("is_probability", column, 0, 1)
        elif column.endswith(("_se", "_count")) or _PEOPLE.search(column) or _POSITIVE.search(column):
            yield _between("is_not_negative", column, 0, _LARGEST)
        elif pa.types.is_floating(table.schema.field(column).type):
            yield _between("is_finite", column, -_LARGEST, _LARGEST)


def _of_intervals(table: pa.Table) -> Iterator[Check]:
    numeric = _numeric(table)
    for low in numeric:
        found = re.fullmatch(r"(?P<stem>.+)_low(?P<variant>_.+)?", low)
        if not found:
            continue
        stem, high = found["stem"], f"{found['stem']}_high{found['variant'] or ''}"
        if high not in numeric:
            continue
        # Half an interval is none: a single missing bound fails the comparison.
        yield _ordered("interval_is_ordered", low, high)
        for point in (stem, f"{stem}_estimate", f"{stem}_effect"):
            if point in numeric:
                yield replace(_ordered("number_lies_in_interval", low, point), may_lack_one=True)
                yield replace(_ordered("number_lies_in_interval", point, high), may_lack_one=True)


def _ordered(check: str, smaller: str, larger: str) -> Check:
    return Check("", check, f"{smaller} <= {larger}", "ordered", (smaller, larger))


def _of_words(name: str, table: pa.Table) -> Iterator[Check]:
    main = QUALITY_VERDICTS if name == "quality_verdicts" else SCALING_VERDICTS
    allowed: dict[str, tuple[str, ...]] = {
        "verdict": main,
        "quality_verdict": QUALITY_VERDICTS,
        "change_verdict": CHANGE_VERDICTS,
    }
    allowed |= {"verdict_corrected": SCALING_VERDICTS, "change_verdict_corrected": CHANGE_VERDICTS}
    allowed |= {"retention_set": RETENTION_SETS, "comparability_class": COMPARABILITY_CLASSES}
    for column, values in allowed.items():
        if column in table.column_names:
            yield Check("", "is_known_word", column, "one_of", (column,), values=values)
    if "verdict" in table.column_names:
        yield _given("verdict_is_given", "verdict")
    if name == "pooled_effects" and "comparability_class" in table.column_names:
        barred = Check("", "incomparable_is_not_pooled", "estimate", "missing", ("estimate",))
        yield replace(barred, where={"comparability_class": ["C"]})


def _of_shares(table: pa.Table, shares: Sequence[str]) -> Iterator[Check]:
    if "indicator" not in table.column_names or not shares:
        return
    # Where each row is a measure with a unit of its own, a value is a share only by chance.
    columns = ("value", "mean_treatment", "mean_control")[("measure" in table.column_names) :]
    for column in columns:
        if column in _numeric(table):
            bounded = _between("share_is_percentage", column, -_SLACK, 100 + _SLACK)
            yield replace(bounded, where={"indicator": shares})


def _of_reasons(table: pa.Table) -> Iterator[Check]:
    """A number is there, or the reason why not; a number without its error says why too."""
    if "why_missing" not in table.column_names:
        return
    unexplained = {name: False for name in _REASONS if name in table.column_names}
    for column in _POINTS:
        if column in table.column_names:
            explained = Check("", "missing_is_explained", column, "given", ("why_missing",))
            yield replace(explained, where={column: False, **unexplained})
    for column in ("estimate", "value"):
        error = f"{column}_se"
        if {column, error} <= set(table.column_names):
            explained = Check("", "missing_error_is_explained", error, "given", ("why_missing",))
            yield replace(explained, severity="warning", where={column: True, error: False})


def _of_counts(table: pa.Table, min_cell: int) -> Iterator[Check]:
    for column in table.column_names:
        if min_cell > 0 and column.startswith(_SHOWN):
            original = column.removeprefix(_SHOWN)
            yield replace(_between("small_count_is_hidden", original, min_cell), columns=(column,))


def _people_counts(table: pa.Table) -> list[str]:
    return [name for name in _numeric(table) if _PEOPLE.search(name)]


def _numeric(table: pa.Table) -> list[str]:
    return [
        one.name
        for one in table.schema
        if not one.name.startswith(_SHOWN)
        and (pa.types.is_integer(one.type) or pa.types.is_floating(one.type) or pa.types.is_decimal(one.type))
    ]
