"""The one door to Great Expectations: a small frame in, what each expectation found out.

In: an Arrow table and expectations described as plain data. Out: a `Finding` per expectation: judged rows,
unexpected rows and their keys, or that it raised. No rule, threshold or verdict is decided here. The library
is imported inside the functions that use it, since that alone takes seconds; it runs in memory, with
analytics and progress bars off, and only counts and keys are kept of what it says.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Expectation:
    """One expectation, as data.

    Attributes:
        id: Names it among its fellows.
        kind: The library's class, e.g. `ExpectColumnValuesToNotBeNull`.
        options: The class's own fields.
        severity: How much a failure weighs.
        where: Rows it is asked of, all of them if empty: column -> the text it equals, a collection of texts
            it is one of, or whether it is given (True) or missing (False).
    """

    id: str
    kind: str
    options: Mapping[str, Any]
    severity: Literal["critical", "warning"] = "critical"
    where: Mapping[str, str | bool | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What one expectation found.

    Attributes:
        id: The expectation's id.
        is_met: Whether every row it was asked of is as expected.
        judged_count: Rows it was asked of; None for expectations about the table as a whole.
        unexpected_count: Rows that are not as expected; None likewise.
        unexpected_keys: Their keys, in the order of `key_columns`; empty unless keys were asked for.
        error: The kind of error it raised, never its words, which may quote data; None if it was evaluated.
    """

    id: str
    is_met: bool
    judged_count: int | None = None
    unexpected_count: int | None = None
    unexpected_keys: tuple[tuple[str, ...], ...] = ()
    error: str | None = None


def run_expectations(
    table: pa.Table, expectations: Sequence[Expectation], key_columns: Sequence[str] = ()
) -> dict[str, Finding]:
    """Asks every expectation of a table; one that raises, or gives no result, is a finding with an error.

    Args:
        table: The rows. NaN is handed over as infinity, because it would be taken for a missing value.
        expectations: What to ask; their ids are unique.
        key_columns: Columns that name a row in `unexpected_keys`; they hold no answers of respondents.
    """
    found: dict[str, Finding] = {}
    try:
        for result in _validated(table, expectations, key_columns):
            finding = _finding(result, key_columns)
            found[finding.id] = finding
    except Exception as error:
        # Whatever breaks in the library, every expectation it left unanswered becomes an error, which
        # withholds.
        _LOG.error("the judgement of %d expectations broke off: %s", len(expectations), type(error).__name__)
        found = {one.id: Finding(one.id, False, error=type(error).__name__) for one in expectations}
    return {one.id: found.get(one.id) or Finding(one.id, False, error="no result") for one in expectations}


def _validated(
    table: pa.Table, expectations: Sequence[Expectation], key_columns: Sequence[str]
) -> Sequence[Any]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types import base
    from great_expectations.expectations import core

    # Without docs sites: those would hold sample values and call on hosts outside.
    config = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=base.ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": _frame(table)})
    built = []
    for one in expectations:
        condition = {"row_condition": _condition(one.where)} if one.where else {}
        options = {**one.options, **condition, "severity": one.severity, "meta": {"id": one.id}}
        built.append(getattr(core, one.kind)(**options))
    suite = gx.ExpectationSuite(name="suite", expectations=built)
    asked: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
    if key_columns:
        asked = {
            "result_format": "COMPLETE",
            "partial_unexpected_count": 0,
            "unexpected_index_column_names": list(key_columns),
            "return_unexpected_index_query": False,
        }
    results: Sequence[Any] = batch.validate(suite, result_format=asked).results
    return results


def _condition(where: Mapping[str, str | bool | Sequence[str]]) -> Any:
    from great_expectations.expectations.row_conditions import Column

    parts: list[Any] = []
    for name, wanted in where.items():
        if isinstance(wanted, bool):
            parts.append(Column(name).is_not_null() if wanted else Column(name).is_null())
        elif isinstance(wanted, str):
            parts.append(Column(name) == wanted)
        else:
            parts.append(Column(name).is_in(list(wanted)))
    condition = parts[0]
    for part in parts[1:]:
        condition = condition & part
    return condition


def _frame(table: pa.Table) -> Any:
    columns = []
    for column in table.columns:
        if pa.types.is_decimal(column.type):
            column = pc.cast(column, pa.float64(), safe=False)
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), float("inf"), column)
        columns.append(column)
    return pa.table(columns, names=table.column_names).to_pandas(date_as_object=True)


def _finding(result: Any, key_columns: Sequence[str]) -> Finding:
    name = str(result.expectation_config.meta["id"])
    if error := _raised(result.exception_info):
        return Finding(name, False, error=error)
    details = result.result
    keys = tuple(
        tuple(str(row[column]) for column in key_columns)
        for row in details.get("unexpected_index_list") or ()
    )
    return Finding(
        name,
        bool(result.success),
        judged_count=details.get("element_count"),
        unexpected_count=details.get("unexpected_count"),
        unexpected_keys=keys,
    )


def _raised(info: Any) -> str | None:
    """Whether a result hides an error; the library nests it under the failing metric, or gives it flat."""
    flat = [info] if "raised_exception" in info else list(info.values())
    return "an error was raised" if any(one.get("raised_exception") for one in flat) else None
