"""What has not changed is not read again, and what has changed always is."""

import os
import time

import pytest

from ingestion.lake import lake_path
from ingestion.programme.load import load_programme
from ingestion.pull import pull_source
from ingestion.unchanged import Seen

SOURCE = "endline_site_a"


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """A file that was noted long after its last change."""
    file = tmp_path / "export.csv"
    file.write_bytes(b"a,b\n1,2\n")
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)
    seen = Seen(tmp_path, "survey", "drop")
    seen.note(file, seen.marks(file), "what it holds")
    seen.save()
    return file


def test_a_file_that_is_as_it_was_is_known(noted, tmp_path) -> None:
    assert Seen(tmp_path, "survey", "drop").told(noted) == "what it holds"
    assert Seen(tmp_path, "survey", "lake").told(noted) is None


def test_other_bytes_of_the_same_size_and_time_are_not_taken_for_the_same(noted, tmp_path) -> None:
    before = noted.stat()
    noted.write_bytes(b"a,b\n3,4\n")
    os.utime(noted, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert noted.stat().st_mtime_ns == before.st_mtime_ns
    assert Seen(tmp_path, "survey", "drop").told(noted) is None


def test_a_file_that_changed_a_moment_ago_is_not_trusted(tmp_path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(b"a\n1\n")
    seen = Seen(tmp_path, "survey", "drop")
    seen.note(file, seen.marks(file), "what it holds")
    assert seen.told(file) is None


def test_a_damaged_memory_is_no_fault(noted, tmp_path) -> None:
    (tmp_path / "lake/.seen/survey-drop.json").write_text("{")
    assert Seen(tmp_path, "survey", "drop").told(noted) is None


def test_a_pull_of_nothing_new_reads_neither_export_nor_lake(small_programme, tmp_path, monkeypatch) -> None:
    programme = load_programme(small_programme.folder)
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)
    assert [pull_source(programme, SOURCE, tmp_path).state for _ in range(2)] == ["landed", "unchanged"]
    monkeypatch.setattr("ingestion.landing.file_hash", lambda path: pytest.fail(f"{path} is read"))
    monkeypatch.setattr("ingestion.lake.file_hash", lambda path: pytest.fail(f"{path} is read"))
    assert pull_source(programme, SOURCE, tmp_path).state == "unchanged"


def test_a_lake_that_was_damaged_after_it_was_seen_is_written_anew(small_programme, tmp_path) -> None:
    programme = load_programme(small_programme.folder)
    pull_source(programme, SOURCE, tmp_path)
    pull_source(programme, SOURCE, tmp_path)
    file = lake_path(tmp_path, SOURCE) / "main.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert pull_source(programme, SOURCE, tmp_path).state == "landed"
