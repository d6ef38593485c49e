"""What each check of a published table finds: rows it was asked of, and those that are not as they must be.

In: a table and a check. Out: the two counts, or the kind of error that kept them from being made. Counted
over columns; what the counts mean is judged elsewhere. NaN is a number, and lies in no range.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from expectations.candidate_checks import Check


@dataclass(frozen=True)
class CheckFact:
    """What a check found.

    Attributes:
        check: The check.
        row_count: Rows it was asked of.
        violation_count: Rows among them that are not as they must be.
        error: The kind of error that kept it from being counted, never its words, which may quote data.
    """

    check: Check
    row_count: int = 0
    violation_count: int = 0
    error: str | None = None


def check_fact(table: pa.Table, check: Check) -> CheckFact:
    """Counts what a check finds in a table; a check that cannot be counted says so."""
    try:
        rows = _asked(table, check)
        return CheckFact(check, rows.num_rows, _VIOLATIONS[check.kind](rows, check))
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        return CheckFact(check, error=type(error).__name__)


def _asked(table: pa.Table, check: Check) -> pa.Table:
    masks = []
    for name, wanted in check.where.items():
        if isinstance(wanted, bool):
            masks.append(pc.is_valid(table[name]) if wanted else pc.is_null(table[name]))
        else:
            masks.append(pc.is_in(table[name], pa.array(wanted, table[name].type)))
    return table.filter(reduce(pc.and_, masks)) if masks else table


def _true(mask: pa.ChunkedArray) -> int:
    """Rows of which it is true, not unknown."""
    return int(pc.sum(pc.fill_null(mask, False)).as_py() or 0)


def _none(rows: pa.Table, _: Check) -> int:
    return 0 if rows.num_rows else 1


def _missing(rows: pa.Table, check: Check) -> int:
    return int(rows[check.columns[0]].null_count)


def _given(rows: pa.Table, check: Check) -> int:
    return int(rows.num_rows) - _missing(rows, check)


def _repeated(rows: pa.Table, check: Check) -> int:
    counts = rows.group_by(list(check.columns)).aggregate([([], "count_all")])["count_all"]
    return int(pc.sum(pc.if_else(pc.greater(counts, 1), counts, 0)).as_py() or 0)


def _outside(rows: pa.Table, check: Check) -> int:
    values = _doubles(rows, check.columns[0])
    inside = pc.and_(pc.greater_equal(values, check.low), pc.less_equal(values, check.high))
    return _true(pc.invert(inside))


def _out_of_order(rows: pa.Table, check: Check) -> int:
    smaller, larger = (_doubles(rows, name) for name in check.columns)
    lacks_one = pc.xor(pc.is_null(smaller), pc.is_null(larger))
    wrong = pc.fill_null(pc.invert(pc.less_equal(smaller, larger)), False)
    return _true(wrong if check.may_lack_one else pc.or_(wrong, lacks_one))


def _unknown(rows: pa.Table, check: Check) -> int:
    words = rows[check.columns[0]]
    known = pc.is_in(words, pa.array(check.values, words.type))
    return _true(pc.and_(pc.is_valid(words), pc.invert(known)))


def _doubles(rows: pa.Table, name: str) -> pa.ChunkedArray:
    return pc.cast(rows[name], pa.float64(), safe=False)


_VIOLATIONS: dict[str, Callable[[pa.Table, Check], int]] = {
    "has_rows": _none,
    "given": _missing,
    "missing": _given,
    "unique": _repeated,
    "between": _outside,
    "ordered": _out_of_order,
    "one_of": _unknown,
}
