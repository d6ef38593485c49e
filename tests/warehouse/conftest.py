"""The warehouse's first half on a tiny programme: registry and lake written by hand, rules compiled, dbt run.

In: `tiny_programme.yml`, or a copy that a test changed. Out: a `Warehouse` whose tables tests query. Column
types and rules are the real ones; no expectation lives here.
"""

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from ruamel.yaml import YAML

from expectations.admission import ADMISSION
from expectations.compile import rule_tables
from expectations.rule import load_rules
from ingestion.programme.registry_schemas import SCHEMAS, registry_table
from orchestration.dbt_run import let_go
from orchestration.warehouse import write_tables

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
SYSTEM = [
    *("record_id", "parent_record_id", "site_code", "unit_id", "wave", "submitted_at", "form_version", "arm"),
    *("cluster_code", "block_code", "weight", "replaces_unit_id", "cohort", "order_by", "disposition"),
]
RULE_DEFAULTS = {"severity": "critical", "set_by": "a test", "set_on": date(2026, 1, 1), "ground": "a test"}
EXACT = ("resolution", "factor", "threshold_low", "threshold_high", "winsor_low", "winsor_high")
PARENTS = {"harvest": "plot"}
Rows = list[dict[str, Any]]


@dataclass
class Programme:
    """A programme as tables: registry rows by table, lake rows by `source.table`, rules as in YAML.

    In lake rows the system columns stand without their prefix; a column that a row lacks is blank there.
    """

    registry: dict[str, Rows]
    lake: dict[str, Rows]
    rules: Rows
    questions: dict[str, list[str]]

    def copy(self) -> "Programme":
        """One that a test may change."""
        return copy.deepcopy(self)

    def row(self, table: str, **key: Any) -> dict[str, Any]:
        """The first registry row with these values."""
        return next(
            row for row in self.registry[table] if all(row.get(name) == value for name, value in key.items())
        )


@dataclass(frozen=True)
class Warehouse:
    """A warehouse that dbt has built."""

    path: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def one(self, query: str) -> tuple[Any, ...]:
        """The only row a query finds."""
        (row,) = self.rows(query)
        return row


@dataclass(frozen=True)
class RuleEntry:
    """A rule's YAML entry as the compiler takes it."""

    data: dict[str, Any]
    file: Path = Path("rules.yml")
    line: int = 1

    def line_of(self, field: str) -> int:
        """Tests have no lines."""
        return self.line


Builder = Callable[..., Warehouse]


@pytest.fixture(scope="session")
def tiny_programme() -> Programme:
    """Two sites; two waves closed, one in the field, one planned. Change a copy only."""
    parts = YAML(typ="safe").load(Path(__file__).with_name("tiny_programme.yml").read_text(encoding="utf-8"))
    return Programme(**parts)


@pytest.fixture(scope="session")
def warehouse(tiny_programme: Programme, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The tiny programme, built once, in a home whose name needs quoting."""
    return build(tiny_programme, tmp_path_factory.mktemp("it's a home"), "tag:before_admission")


@pytest.fixture(scope="session")
def build_once(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Builds a changed programme that several tests look at."""

    def built(
        programme: Programme, select: str = "tag:before_admission", admission: Rows | None = None
    ) -> Warehouse:
        return build(programme, tmp_path_factory.mktemp("once"), select, admission)

    return built


@pytest.fixture
def build_warehouse(tmp_path: Path) -> Builder:
    """Builds a changed programme in a home of its own: all of it, or what a dbt selection names."""

    def built(programme: Programme, select: str = "tag:before_admission") -> Warehouse:
        return build(programme, tmp_path, select)

    return built


def build(programme: Programme, home: Path, select: str, admission: Rows | None = None) -> Warehouse:
    """Writes lake, registry and verdicts and runs dbt on them; fails with dbt's own messages."""
    registry = programme.registry | {"expected_cells": _expected_cells(programme)}
    registry |= _write_lake(programme, home)
    tables = {name: registry_table(name, map(_exact, registry.get(name, []))) for name in SCHEMAS}
    rules = load_rules(RuleEntry(RULE_DEFAULTS | rule) for rule in programme.rules)
    write_tables(home / "warehouse.duckdb", "registry", tables | rule_tables(rules, tables))
    if admission is not None:
        verdicts = {"admission": pa.Table.from_pylist(admission, schema=ADMISSION)}
        write_tables(home / "warehouse.duckdb", "quality", verdicts)
    done = _dbt(home, "run", "--select", *select.split())
    if not done.success:
        results = getattr(done.result, "results", [])
        told = [f"{one.node.name}: {one.message}" for one in results if one.message]
        raise AssertionError(f"dbt run failed: {done.exception or told}")
    return Warehouse(home / "warehouse.duckdb")


_parsed: list[Manifest] = []


def _dbt(home: Path, *command: str) -> dbtRunnerResult:
    """Runs dbt in process. The project is parsed once for all homes, as it says nothing of any of them."""
    places = {"--project-dir": PROJECT, "--profiles-dir": PROJECT, "--target-path": home / "target"}
    options = [str(part) for pair in (places | {"--log-path": home}).items() for part in pair]
    with _environment(home):
        if not _parsed:
            parsed = dbtRunner().invoke(["--quiet", "parse", *options])
            assert isinstance(parsed.result, Manifest), parsed.exception
            _parsed.append(parsed.result)
        try:
            return dbtRunner(manifest=_parsed[0]).invoke(["--quiet", *command, *options])
        finally:
            let_go()


@contextmanager
def _environment(home: Path) -> Iterator[None]:
    names = {"HOME": home, "WAREHOUSE": home / "warehouse.duckdb", "DBT_PROJECT": PROJECT}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(f"SITEWISE_{name}", os.fspath(value))
        yield


def _exact(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: Decimal(row[name]) for name in EXACT if row.get(name) is not None}


def _expected_cells(programme: Programme) -> Rows:
    return [
        {"site": at["site"], "wave": during["wave"], "indicator": measured["indicator"]}
        for at in programme.registry.get("source_sites", [])
        for during in programme.registry.get("source_waves", [])
        for measured in programme.registry.get("indicators", [])
        if at["source"] == during["source"]
    ]


def _write_lake(programme: Programme, home: Path) -> dict[str, Rows]:
    """Writes the lake's files; gives the registry rows that follow from them."""
    tables, columns = [], []
    for name, rows in programme.lake.items():
        source, lake_table = name.split(".")
        path = home / "lake" / source / f"{lake_table}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        system = SYSTEM if lake_table == "main" else SYSTEM[:2]
        named = ("subgroup_", "covariate_", "enumerator", "started_at", "ended_at", "position")
        system = system + sorted({key for row in rows for key in row if key.startswith(named)})
        questions = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in system]
        schema = pa.schema(
            [(f"_sw_{key}", pa.string()) for key in system] + [(key, pa.string()) for key in questions]
        )
        written = [[row.get(key) for row in rows] for key in (*system, *questions)]
        pq.write_table(pa.table(dict(zip(schema.names, written, strict=True)), schema=schema), path)
        place = {"source": source, "lake_table": lake_table}
        parent = None if lake_table == "main" else PARENTS.get(lake_table, "main")
        tables.append(
            place | {"parent_table": parent, "path": str(path.relative_to(home)), "row_count": len(rows)}
        )
        for order, column in enumerate(schema.names, start=1):
            described = place | {"column_name": column, "column_order": order}
            columns += [described | use for use in _uses(programme, source, column)]
    return {"lake_tables": tables, "lake_columns": columns}


def _uses(programme: Programme, source: str, column: str) -> Rows:
    if column.startswith("_sw_"):
        return [{"role": "system"}]
    instrument = programme.row("sources", source=source).get("instrument")
    asked = [
        (row["item"], programme.questions.get(row["item"], [row["item"]]))
        for row in programme.registry["items"]
    ]
    return [
        {"role": "item", "instrument": instrument, "item": item, "preference": questions.index(column) + 1}
        for item, questions in asked
        if column in questions
    ] or [{"role": "unmapped"}]
