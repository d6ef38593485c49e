"""Pulling again: nothing new costs nothing, deltas merge, snapshots delete, the landing alone rebuilds."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.lake import QUARANTINE, lake_path
from ingestion.landing import latest_receipts, read_receipts
from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme, pull_source
from ingestion.rebuild import rebuild

SOURCE = "endline_site_a"


def _bytes(home: Path, source: str = SOURCE) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in lake_path(home, source).iterdir()}


def _main(home: Path) -> pl.DataFrame:
    return pl.read_parquet(lake_path(home, SOURCE) / "main.parquet")


def _source(small, **changes: object) -> None:
    entry = small.without("sources.yml", "source", SOURCE)
    small.add("sources.yml", entry | changes)


def test_unchanged_input_is_not_read_again_but_has_its_receipt(small_programme, tmp_path) -> None:
    programme = load_programme(small_programme.folder)
    first = pull_source(programme, SOURCE, tmp_path)
    stamp = (lake_path(tmp_path, SOURCE) / "main.parquet").stat().st_mtime_ns
    second = pull_source(programme, SOURCE, tmp_path)
    assert second.state == "unchanged"
    assert second.receipt_id > first.receipt_id
    assert (lake_path(tmp_path, SOURCE) / "main.parquet").stat().st_mtime_ns == stamp
    own = {"receipt_id", "pulled_at", "state"}
    assert second.model_dump(exclude=own) == first.model_dump(exclude=own)
    assert len(list(read_receipts(tmp_path, SOURCE))) == 2


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"accept": {"from": "2025-11-05"}}, "landed"),
        ({"max_age_days": 3}, "unchanged"),
    ],
)
def test_yaml_that_changes_the_reading_reads_again(small_programme, tmp_path, change, state) -> None:
    pull_source(load_programme(small_programme.folder), SOURCE, tmp_path)
    _source(small_programme, **change)
    assert pull_source(load_programme(small_programme.folder), SOURCE, tmp_path).state == state


def test_a_frozen_wave_is_served_as_it_was_landed(small_programme, tmp_path) -> None:
    head = small_programme.read("programme.yml")
    head["waves"][0]["frozen"] = "2026-01-31"
    small_programme.write("programme.yml", head)
    programme = load_programme(small_programme.folder)
    export = small_programme.folder / "exports/site_a/endline.csv"
    first = pull_source(programme, SOURCE, tmp_path, date(2026, 2, 1))
    assert first.state == "landed"
    export.write_text("".join(export.read_text().splitlines(keepends=True)[:-1]))
    assert pull_source(programme, SOURCE, tmp_path, date(2026, 2, 1)).state == "unchanged"
    assert pull_source(programme, SOURCE, tmp_path, date(2026, 1, 30)).rows_kept == first.rows_kept - 1
    export.unlink()
    again = pull_source(programme, SOURCE, tmp_path, date(2026, 2, 1))
    assert (again.state, again.rows_kept) == ("unchanged", first.rows_kept - 1)


def test_a_lost_or_damaged_lake_is_written_again(small_programme, tmp_path) -> None:
    programme = load_programme(small_programme.folder)
    pull_source(programme, SOURCE, tmp_path)
    before = _bytes(tmp_path)
    (lake_path(tmp_path, SOURCE) / "main.parquet").write_bytes(b"")
    assert pull_source(programme, SOURCE, tmp_path).state == "landed"
    assert _bytes(tmp_path) == before
    shutil.rmtree(tmp_path / "lake")
    assert pull_source(programme, SOURCE, tmp_path).state == "landed"
    assert _bytes(tmp_path) == before


def test_rows_outside_the_accepted_dates_are_counted_and_set_aside(small_programme, tmp_path) -> None:
    _source(small_programme, accept={"from": "2025-11-03", "to": "2025-11-10"})
    receipt = pull_source(load_programme(small_programme.folder), SOURCE, tmp_path)
    assert (receipt.rows_read, receipt.rows_kept, receipt.rows_not_accepted) == (160, 80, 80)
    reasons = pl.read_parquet(lake_path(tmp_path, SOURCE) / f"{QUARANTINE}.parquet")["reason"].value_counts()
    assert dict(reasons.iter_rows()) == {
        "submitted before the accepted dates": 20,
        "submitted after the accepted dates": 60,
    }


def _split(small) -> tuple[Path, str, list[str]]:
    path = small.folder / "exports/site_a/endline.csv"
    head, *rows = path.read_text().splitlines()
    path.unlink()
    return path.parent, head, rows


def test_a_snapshot_deletes_what_is_absent(small_programme, tmp_path) -> None:
    folder, head, rows = _split(small_programme)
    programme = load_programme(small_programme.folder)
    (folder / "endline.csv").write_text("\n".join([head, *rows]) + "\n")
    pull_source(programme, SOURCE, tmp_path)
    (folder / "endline.csv").write_text("\n".join([head, *rows[:100]]) + "\n")
    assert pull_source(programme, SOURCE, tmp_path).rows_kept == 100


def test_deltas_merge_and_the_later_version_of_a_record_wins(small_programme, tmp_path) -> None:
    folder, head, rows = _split(small_programme)
    _source(small_programme, pull={"drop": "exports/site_a/*.csv", "mode": "delta"})
    (folder / "0.csv").write_text("\n".join([head, *rows[:90]]) + "\n")
    programme = load_programme(small_programme.folder)
    assert pull_source(programme, SOURCE, tmp_path).rows_kept == 90
    # The second delta replaces the first file, as a server that offers only what is new does.
    edited = rows[80].rsplit(",", 1)[0] + ",99"
    (folder / "0.csv").write_text("\n".join([head, edited, *rows[90:]]) + "\n")
    receipt = pull_source(programme, SOURCE, tmp_path)
    assert (receipt.rows_read, receipt.rows_kept, receipt.rows_replaced) == (161, 160, 1)
    assert _main(tmp_path).filter(pl.col("_sw_record_id") == rows[80].split(",")[0])["age"].to_list() == [
        "99"
    ]
    (folder / "0.csv").unlink()
    assert pull_source(programme, SOURCE, tmp_path).state == "unchanged"
    assert _main(tmp_path).height == 160


def test_a_delta_that_failed_is_no_part_of_what_comes_after(small_programme, tmp_path) -> None:
    folder, head, rows = _split(small_programme)
    _source(small_programme, pull={"drop": "exports/site_a/*.csv", "mode": "delta"})
    programme = load_programme(small_programme.folder)
    (folder / "0.csv").write_text("\n".join([head, *rows[:90]]) + "\n")
    pull_source(programme, SOURCE, tmp_path)
    (folder / "0.csv").write_text("\n".join([head, *rows[90:]])[:-9])
    assert pull_source(programme, SOURCE, tmp_path).state == "failed"
    (folder / "0.csv").write_text("\n".join([head, *rows[90:]]) + "\n")
    assert pull_source(programme, SOURCE, tmp_path).rows_kept == 160


def test_the_landing_alone_rebuilds_the_same_lake(small_programme, tmp_path) -> None:
    programme = load_programme(small_programme.folder)
    sources = [receipt.source for receipt in pull_programme(programme, tmp_path)]
    before = {source: _bytes(tmp_path, source) for source in sources}
    receipts = latest_receipts(tmp_path)
    shutil.rmtree(tmp_path / "lake")
    shutil.rmtree(small_programme.folder / "exports")
    assert list(rebuild(programme, tmp_path)) == [(source, None) for source in sources]
    assert {source: _bytes(tmp_path, source) for source in sources} == before
    assert latest_receipts(tmp_path) == receipts


def test_a_rebuild_names_what_was_changed_in_the_landing_and_goes_on(small_programme, tmp_path) -> None:
    programme = load_programme(small_programme.folder)
    list(pull_programme(programme, tmp_path, [SOURCE, "endline_site_b"]))
    (landed,) = (tmp_path / f"landing/{SOURCE}").glob("*/endline.csv")
    landed.write_bytes(b"changed")
    faults = dict(rebuild(programme, tmp_path))
    assert "endline.csv" in str(faults[SOURCE]) and faults["endline_site_b"] is None
    assert _main(tmp_path).height == 160


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_order_of_columns_or_files_changes_a_byte(small_programme, tmp_path_factory, data) -> None:
    folder = small_programme.folder / "exports/site_a"
    home = tmp_path_factory.mktemp("home")
    programme = load_programme(small_programme.folder)
    kept = folder.parent / "site_a_first"
    if not kept.exists():
        folder.rename(kept)
    head, *rows = [line.split(",") for line in (kept / "endline.csv").read_text().splitlines()]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rows = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(rows) - 1), min_size=0, max_size=3, unique=True)))
    for number, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(rows)], strict=True)):
        order = data.draw(st.permutations(range(len(head))))
        lines = [[row[place] for place in order] for row in [head, *rows[first:last]]]
        (folder / f"{number}.csv").write_text("".join(",".join(line) + "\n" for line in lines))
    receipt = pull_source(programme, SOURCE, home)
    assert (receipt.state, receipt.rows_kept) == ("landed", 160)
    expected = folder.parent / "expected.parquet"
    if not expected.exists():
        expected.write_bytes(_bytes(home)["main.parquet"])
    assert _bytes(home)["main.parquet"] == expected.read_bytes()
