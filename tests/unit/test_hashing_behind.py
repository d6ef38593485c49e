"""A file that was hashed while it was written has the hash that it has afterwards."""

import hashlib
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.hashing_behind import hashing_behind
from ingestion.lake import stage
from ingestion.landing import file_hash


@settings(max_examples=30, deadline=None)
@given(pieces=st.lists(st.tuples(st.binary(max_size=100), st.integers(0, 3)), max_size=6))
def test_what_is_added_piece_by_piece_is_hashed_to_its_end(tmp_path_factory, pieces) -> None:
    file = tmp_path_factory.mktemp("behind") / "file"
    file.write_bytes(b"what was there before")
    with hashing_behind(file) as hashed, file.open("wb", buffering=0) as stream:
        for piece, wait in pieces:
            stream.write(piece)
            time.sleep(wait / 100)
    assert hashed.result() == hashlib.sha256(b"".join(piece for piece, _ in pieces)).hexdigest()


def test_a_lake_s_table_of_many_groups_has_the_hash_that_is_told_of_it(tmp_path) -> None:
    rows = pl.DataFrame({"id": [f"R{place}" for place in range(300_000)]}).with_columns(
        pl.concat_str("id", pl.lit(" and what was said of it ")).repeat_by(4).list.join("").alias("note")
    )
    table = stage(rows.lazy(), tmp_path, "main", rows.height)
    file = tmp_path / "main.parquet"
    assert file.stat().st_size > 1 << 20
    assert table.sha256 == file_hash(file)


def test_a_writer_that_fails_is_told_and_leaves_no_thread_behind(tmp_path) -> None:
    with pytest.raises(OSError, match="full"), hashing_behind(tmp_path / "file") as hashed:
        raise OSError(28, "the disk is full")
    assert hashed.done()
