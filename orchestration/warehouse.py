"""The warehouse file: short connections that write and read whole tables.

In: Arrow tables and a path. Out: tables in DuckDB, and what is known about them. No SQL about any table's
meaning lives here, and no connection outlives its call: dbt opens the same file in between.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

WRITER_POOL = "warehouse"


@dataclass(frozen=True)
class TableFacts:
    """What a table's materialisation tells: its rows (None for a view) and its columns' types."""

    row_count: int | None
    columns: tuple[tuple[str, str], ...]


@contextmanager
def connected(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one short task; in a fresh home the file appears."""
    connection = duckdb.connect(str(path), read_only=read_only)
    try:
        yield connection
    finally:
        connection.close()


def remove(path: Path) -> None:
    """Removes a warehouse with its log: a changed night builds from nothing, so nothing stale survives."""
    Path(f"{path}.wal").unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def write_tables(path: Path, schema: str, tables: Mapping[str, pa.Table]) -> None:
    """Creates or replaces tables in a schema, in one transaction."""
    with connected(path) as connection:
        connection.execute("begin")
        connection.execute(f'create schema if not exists "{schema}"')
        for name, table in tables.items():
            connection.register("incoming", table)
            connection.execute(f'create or replace table "{schema}"."{name}" as select * from incoming')
            connection.unregister("incoming")
        connection.execute("commit")


def read_table(path: Path, name: str) -> pa.Table:
    """A whole table, named `schema.table`."""
    schema, table = name.split(".")
    with connected(path, read_only=True) as connection:
        return connection.sql(f'select * from "{schema}"."{table}"').to_arrow_table()


def table_names(path: Path, schema: str) -> list[str]:
    """The tables of a schema, by name; empty where the file or the schema is not there."""
    if not path.exists():
        return []
    with connected(path, read_only=True) as connection:
        rows = connection.execute(
            "select table_name from duckdb_tables() where schema_name = ? order by 1", [schema]
        ).fetchall()
    return [name for (name,) in rows]


def describe(path: Path) -> dict[tuple[str, str], TableFacts]:
    """Row counts and column types of every table and view, by schema and name."""
    with connected(path, read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        columns = connection.execute(
            "select schema_name, table_name, column_name, lower(data_type)"
            " from duckdb_columns() where not internal order by 1, 2, column_index"
        ).fetchall()
        counts = {
            (schema, name): connection.execute(f'select count(*) from "{schema}"."{name}"').fetchall()[0][0]
            for schema, name in tables
        }
    typed: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, name, column, data_type in columns:
        typed.setdefault((schema, name), []).append((column, data_type))
    return {key: TableFacts(counts.get(key), tuple(value)) for key, value in typed.items()}
