"""The lake: replaced whole, bytes that follow from the rows alone, and a version before that stays."""

import os
import subprocess
import sys

import polars as pl
import pytest

from ingestion import lake
from ingestion.lake import QUARANTINE, holds, lake_path, stage, staging, withdraw
from ingestion.receipt import LakeTable


def _tables(*ids: str) -> dict[str, pl.DataFrame]:
    return {"main": pl.DataFrame({"_sw_record_id": list(ids)}), QUARANTINE: pl.DataFrame({"file": ["f"]})}


def write_lake(home, source: str, input_hash: str, tables: dict[str, pl.DataFrame]) -> list[LakeTable]:
    with staging(home, source) as staged:
        written = [stage(table.lazy(), staged, name, table.height) for name, table in tables.items()]
        lake.write_lake(home, source, input_hash, staged)
    return [table for table in written if table.table != QUARANTINE]


def test_the_same_rows_give_the_same_bytes(tmp_path) -> None:
    first = write_lake(tmp_path / "one", "survey", "a" * 64, _tables("1", "2"))
    assert first == write_lake(tmp_path / "two", "survey", "b" * 64, _tables("1", "2"))
    assert [table.table for table in first] == ["main"]


STAGE_SCANNED = """
import sys
from pathlib import Path
from ingestion.formats.delimited import read_delimited
from ingestion.lake import stage
folder = Path(sys.argv[1])
table = read_delimited(folder / "answers.csv", "answers.csv")
print(stage(table.cells, folder, "main", len(table.lines)).sha256)
"""


def test_the_bytes_do_not_depend_on_the_pieces_in_which_a_file_was_scanned(tmp_path) -> None:
    long = 'long, with "quotes"\n' * 20_000
    notes = [
        long if place % 40_000 == 7 else f"note {place % 1000},\n" * (place % 3) for place in range(120_000)
    ]
    rows = pl.DataFrame({"id": [f"R{place}" for place in range(120_000)], "note": notes})
    rows.write_csv(tmp_path / "answers.csv")
    told = set()
    for piece in ("1024", "65536", str(4 * 1024**2), None):
        environment = {**os.environ, "POLARS_CSV_CHUNK_SIZE": piece} if piece else dict(os.environ)
        command = [sys.executable, "-c", STAGE_SCANNED, str(tmp_path)]
        told.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
        assert (
            pl.read_parquet(tmp_path / "main.parquet").with_columns(pl.col("note").fill_null("")).equals(rows)
        )
    assert len(told) == 1


def test_a_version_is_named_for_its_input_and_linked_relatively(tmp_path) -> None:
    write_lake(tmp_path, "survey", "a" * 64, _tables("1"))
    assert str((tmp_path / "lake/survey").readlink()) == f".versions/survey-{'a' * 12}"
    assert holds(tmp_path, "survey", "a" * 64, write_lake(tmp_path, "survey", "a" * 64, _tables("1")))


def test_a_damaged_version_is_not_held_and_is_written_beside_itself(tmp_path) -> None:
    tables = write_lake(tmp_path, "survey", "a" * 64, _tables("1"))
    (lake_path(tmp_path, "survey") / "main.parquet").write_bytes(b"damaged")
    assert not holds(tmp_path, "survey", "a" * 64, tables)
    again = write_lake(tmp_path, "survey", "a" * 64, _tables("1"))
    assert again == tables and holds(tmp_path, "survey", "a" * 64, tables)


def test_a_reader_of_the_version_before_goes_on_and_older_ones_are_removed(tmp_path) -> None:
    for version in "abc":
        write_lake(tmp_path, "survey", version * 64, _tables(version))
        write_lake(tmp_path, "survey_two", version * 64, _tables(version))
    kept = sorted(path.name for path in (tmp_path / "lake/.versions").iterdir())
    assert kept == [f"{name}-{version * 12}" for name in ("survey", "survey_two") for version in "bc"]
    before = pl.read_parquet(tmp_path / f"lake/.versions/survey-{'b' * 12}/main.parquet")
    assert before["_sw_record_id"].to_list() == ["b"]


@pytest.mark.parametrize("step", ["flush", "_settle", "_point"])
def test_killed_at_any_step_the_old_version_is_still_served(tmp_path, monkeypatch, step) -> None:
    write_lake(tmp_path, "survey", "a" * 64, _tables("old"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(lake, step, killed)
        with pytest.raises(KeyboardInterrupt):
            write_lake(tmp_path, "survey", "b" * 64, _tables("new"))
    served = pl.read_parquet(lake_path(tmp_path, "survey") / "main.parquet")
    assert served["_sw_record_id"].to_list() == ["old"]
    write_lake(tmp_path, "survey", "b" * 64, _tables("new"))
    served = pl.read_parquet(lake_path(tmp_path, "survey") / "main.parquet")
    assert served["_sw_record_id"].to_list() == ["new"]


def test_an_empty_table_keeps_its_columns_and_a_withdrawn_source_has_no_lake(tmp_path) -> None:
    write_lake(tmp_path, "survey", "a" * 64, _tables())
    assert pl.read_parquet(lake_path(tmp_path, "survey") / "main.parquet").columns == ["_sw_record_id"]
    withdraw(tmp_path, "survey")
    assert lake_path(tmp_path, "survey") is None
