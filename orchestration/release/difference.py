"""What changed from one release to another, and why: rows and columns by table, inputs and code behind them.

In: two releases. Out: `Difference`, in counts and published values. Everything is read from the releases
themselves; no warehouse is opened, and nothing is judged.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb

from orchestration.release.listing import Release

_WHY = {
    "inputs": "the sources' data",
    "registry": "the programme's YAML",
    "rules": "the rules",
    "time": "a date that time-dependent rules wait for",
    "code": "the code or its engines",
}


@dataclass(frozen=True)
class TableDifference:
    """One table that differs.

    Attributes:
        table: its name.
        added: rows whose key only the later release has; all rows of a table that it alone has.
        removed: rows whose key only the earlier release has.
        changed: rows of a key in both, with other values.
        columns: rows in which it differs, by column.
    """

    table: str
    added: int
    removed: int
    changed: int
    columns: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """Two releases compared.

    Attributes:
        why: what their content follows from and is not the same, in words.
        sources: id and `changed`, `added` or `removed`, of sources whose data differ.
        tables: the tables that differ.
    """

    why: list[str]
    sources: dict[str, str]
    tables: list[TableDifference]


def difference(before: Release, after: Release) -> Difference:
    """Compares two releases."""
    old, new = (json.loads((release.folder / "manifest.json").read_text()) for release in (before, after))
    kinds = [kind for kind in _WHY if old["fingerprints"].get(kind) != new["fingerprints"].get(kind)]
    names = sorted(
        name
        for name in old["tables"].keys() | new["tables"].keys()
        if old["tables"].get(name, {}).get("sha256") != new["tables"].get(name, {}).get("sha256")
    )
    with _both(before, after) as connection:
        tables = [_table(connection, name, new["keys"].get(name, ())) for name in names]
        sources = _sources(connection)
    return Difference([_WHY[kind] for kind in kinds], sources, tables)


def changed_values(before: Release, after: Release, table: str, most: int) -> list[dict[str, Any]]:
    """Values of one table that are not the same in both: key, column, before and after, the first `most`.

    Raises:
        LookupError: one of the releases has no such table, or it has no key to compare by.
    """
    keys = json.loads((after.folder / "manifest.json").read_text())["keys"].get(table, [])
    with _both(before, after) as connection:
        columns = _columns(connection, table)
        if columns is None or not keys:
            raise LookupError(f"{table} is not in both releases, or has no key")
        shown = ", ".join(f'coalesce(b."{key}", a."{key}")::varchar' for key in keys)
        values = [column for column in columns if column not in keys]
        rows = [
            {"key": row[:-2], "column": column, "before": row[-2], "after": row[-1]}
            for column in values
            for row in connection.execute(
                f'select {shown}, b."{column}"::varchar, a."{column}"::varchar'
                f" from {_joined(table, keys, 'inner')}"
                f' where b."{column}" is distinct from a."{column}" order by all limit {most}'
            ).fetchall()
        ]
    return sorted(rows, key=lambda row: (row["key"], values.index(row["column"])))[:most]


@contextmanager
def _both(before: Release, after: Release) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both releases in one connection, as `before` and `after`."""
    connection = duckdb.connect()
    try:
        for name, release in {"before": before, "after": after}.items():
            path = str(release.folder / "sitewise.duckdb").replace("'", "''")
            connection.execute(f"attach '{path}' as {name} (read_only)")
        yield connection
    finally:
        connection.close()


def _table(connection: duckdb.DuckDBPyConnection, name: str, keys: Sequence[str]) -> TableDifference:
    columns = _columns(connection, name)
    if columns is None or not keys or not set(keys) <= set(columns):
        old, new = (_count(connection, side, name) for side in ("before", "after"))
        return TableDifference(name, new, old, 0)
    values = [column for column in columns if column not in keys]
    differs = [f'count_if(b."{column}" is distinct from a."{column}")' for column in values]
    is_changed = " or ".join(f'b."{column}" is distinct from a."{column}"' for column in values) or "false"
    [(changed, *counts)] = connection.execute(
        f"select count_if({is_changed}){''.join(', ' + each for each in differs)}"
        f" from {_joined(name, keys, 'inner')}"
    ).fetchall()
    added, removed = (
        connection.execute(f"select count(*) from {_joined(name, keys, 'anti', swapped)}").fetchall()[0][0]
        for swapped in (True, False)
    )
    by_column = {column: count for column, count in zip(values, counts, strict=True) if count}
    return TableDifference(name, added, removed, changed, by_column)


def _joined(table: str, keys: Sequence[str], kind: str, swapped: bool = False) -> str:
    """Rows of the table by key; `anti` keeps those of `before` alone, or, swapped, those of `after`."""
    matched = " and ".join(f'b."{key}" is not distinct from a."{key}"' for key in keys)
    first, second = ("after", "before") if swapped else ("before", "after")
    one, other = ("a", "b") if swapped else ("b", "a")
    return f'{first}."{table}" as {one} {kind} join {second}."{table}" as {other} on {matched}'


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str] | None:
    """The columns that a table has in both releases; None if it is not in both."""
    found = [
        [
            name
            for (name,) in connection.execute(
                "select column_name from duckdb_columns() where database_name = ? and table_name = ?"
                " order by column_index",
                [side, table],
            ).fetchall()
        ]
        for side in ("before", "after")
    ]
    return [name for name in found[1] if name in found[0]] if all(found) else None


def _count(connection: duckdb.DuckDBPyConnection, side: str, table: str) -> int:
    there = connection.execute(
        "select 1 from duckdb_tables() where database_name = ? and table_name = ?", [side, table]
    ).fetchall()
    if not there:
        return 0
    return int(connection.execute(f'select count(*) from {side}."{table}"').fetchall()[0][0])


def _sources(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Sources whose data are not the same; none where one of the releases says nothing of its sources."""
    if _columns(connection, "provenance") is None:
        return {}
    rows = connection.execute(
        """
        select
            coalesce(b.source, a.source),
            case when b.source is null then 'added' when a.source is null then 'removed' else 'changed' end
        from before.provenance as b full join after.provenance as a using (source)
        where b.input_hash is distinct from a.input_hash or b.source is null or a.source is null
        order by 1
        """
    ).fetchall()
    return dict(rows)
