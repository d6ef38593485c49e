"""What a set of published tables says, as one hash: the same rows give the same hash on any machine.

In: a database file and a schema. Out: a hash per table and one over all. Rows are taken in key order, every
value as canonical text of its type (floating numbers exactly, no locale, no clock). Comments, physical order
and the release's own tables are not content.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.warehouse import connected

RELEASE_TABLES = ("release", "release_checks", "release_receipts")
BATCH = 10_000


@dataclass(frozen=True)
class ContentHash:
    """The hash over all tables, and each table's own hash and row count."""

    total: str
    tables: Mapping[str, str]
    row_counts: Mapping[str, int]


def content_hash(
    database: Path, schema: str = "published", keys: Mapping[str, Sequence[str]] | None = None
) -> ContentHash:
    """Hashes the tables of a schema.

    Args:
        database: the warehouse, or a release's file (schema `main`).
        schema: whose tables count; the release's own tables never do.
        keys: key columns by table; rows are ordered by them, then by the other columns.
    """
    hashes: dict[str, str] = {}
    counts: dict[str, int] = {}
    with connected(database, read_only=True) as connection:
        for name, columns in _columns(connection, schema).items():
            key = [column for column in (keys or {}).get(name, ()) if column in columns]
            order = [*key, *(column for column in columns if column not in key)]
            digest = hashlib.sha256("\x1e".join(f"{c} {t}" for c, t in sorted(columns.items())).encode())
            selected = ", ".join(f'"{column}"' for column in sorted(columns))
            ordered = ", ".join(f'"{column}" nulls first' for column in order)
            result = connection.execute(f'select {selected} from "{schema}"."{name}" order by {ordered}')
            count = 0
            while batch := result.fetchmany(BATCH):
                count += len(batch)
                for row in batch:
                    digest.update(b"\x1e" + "\x1f".join(map(canonical, row)).encode())
            hashes[name], counts[name] = digest.hexdigest(), count
    total = hashlib.sha256("\n".join(f"{name} {h}" for name, h in sorted(hashes.items())).encode())
    return ContentHash(total.hexdigest(), hashes, counts)


def canonical(value: Any) -> str:
    """One value as text that is the same everywhere and differs where the value differs."""
    if value is None:
        return "\x00"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, list | tuple):
        return "[" + "\x1d".join(map(canonical, value)) + "]"
    return str(value)


def _columns(connection: Any, schema: str) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where schema_name = ? and not internal order by table_name, column_index",
        [schema],
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, data_type in rows:
        if table not in RELEASE_TABLES:
            tables.setdefault(table, {})[column] = data_type
    return tables
