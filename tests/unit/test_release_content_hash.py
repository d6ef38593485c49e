"""The content hash follows from what the rows say, and from nothing else."""

import math
from pathlib import Path

import duckdb
import pytest

from orchestration.release.content_hash import canonical, content_hash

KEYS = {"t": ["id"]}


def hashed(path: Path, *statements: str) -> str:
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema published")
        for statement in statements:
            connection.execute(statement)
    return content_hash(path, keys=KEYS).total


@pytest.fixture
def path(tmp_path):
    return tmp_path / "warehouse.duckdb"


def test_the_order_of_rows_and_columns_and_comments_are_not_content(path):
    plain = hashed(path, "create table published.t as select * from (values (1, 'a'), (2, 'b')) v(id, x)")
    turned = hashed(path, "create table published.t as select * from (values (2, 'b'), (1, 'a')) v(id, x)")
    swapped = hashed(path, "create table published.t as select * from (values ('b', 2), ('a', 1)) v(x, id)")
    noted = hashed(
        path,
        "create table published.t as select * from (values (1, 'a'), (2, 'b')) v(id, x)",
        "comment on table published.t is 'said'",
    )
    assert plain == turned == swapped == noted


def test_the_last_bit_of_a_number_a_null_and_a_type_are_content(path):
    def one(value: str) -> str:
        return hashed(path, f"create table published.t as select 1 as id, {value} as x")

    exact = 0.1 + 0.2
    assert one(f"{exact!r}::double") != one(f"{math.nextafter(exact, 1)!r}::double")
    values = ["null::varchar", "''", "'null'", "1::integer", "1::bigint", "1.0::double", "'1'", "true"]
    assert len({one(value) for value in values}) == len(values)


def test_the_release_tables_are_not_content(path):
    bare = hashed(path, "create table published.t as select 1 as id")
    with_release = hashed(
        path,
        "create table published.t as select 1 as id",
        "create table published.release as select 'r' as release_id",
        "create table published.release_checks as select 'c' as check_name",
    )
    assert bare == with_release


def test_a_renamed_table_is_another_content(path):
    assert hashed(path, "create table published.t as select 1 as id") != hashed(
        path, "create table published.u as select 1 as id"
    )


def test_values_keep_their_exactness_as_text():
    assert canonical(0.1) == (0.1).hex()
    assert canonical(None) != canonical("")
    assert canonical([1.5, None]) != canonical([1.5])
