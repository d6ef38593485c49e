"""Every bad input a pull can meet: a named state, the file, the remedy, and a lake left as it was."""

import logging
import shutil
from pathlib import Path

import polars as pl
import pytest

from ingestion.copying import copied
from ingestion.lake import lake_path
from ingestion.landing import latest_receipts
from ingestion.platforms import drops
from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme, pull_source

SOURCE = "endline_site_a"


def _spoil_last_line(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-11])


def _open_quote(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b'A9999-e,"A99')


def _utf16(path: Path) -> None:
    path.write_bytes(path.read_text().replace("A0000", "Gé000").encode("utf-16"))


def _rename_unit(path: Path) -> None:
    path.write_text(path.read_text().replace("child", "childs", 1))


def _other_form(path: Path) -> None:
    text = path.read_text().replace("reads", "r").replace("score", "s", 1).replace("age", "a", 1)
    path.write_text(text)


def _strange_times(path: Path) -> None:
    path.write_text(path.read_text().replace("2025-11-", "Nov-").replace("T09:00:00", ""))


CASES = {
    "folder missing": (lambda path: shutil.rmtree(path.parent), "failed", "does not exist"),
    "folder empty": (Path.unlink, "failed", "no file in"),
    "no byte": (lambda path: path.write_bytes(b""), "empty", "holds no rows"),
    "one line end": (lambda path: path.write_bytes(b"\n"), "empty", "holds no rows"),
    "header alone": (
        lambda path: path.write_text(path.read_text().splitlines()[0] + "\n"),
        "empty",
        "holds no rows",
    ),
    "last row short": (_spoil_last_line, "failed", "cut off"),
    "last quote open": (_open_quote, "failed", "cut off"),
    "wrong encoding": (_utf16, "failed", "encoding"),
    "binary": (lambda path: path.write_bytes(b"a,b\n\0\0,1\n"), "failed", "NUL"),
    "doubled header": (
        lambda path: path.write_text(path.read_text().replace("score", "age", 1)),
        "failed",
        "twice",
    ),
    "key column gone": (_rename_unit, "failed", "'child', which is not in the export (closest: 'childs')"),
    "another form": (_other_form, "failed", "none of the questions"),
    "times unreadable": (_strange_times, "failed", "every row was set aside"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_export_is_told_and_the_lake_stays(small_programme, tmp_path, case) -> None:
    spoil, state, words = CASES[case]
    programme, home = load_programme(small_programme.folder), tmp_path / "home"
    assert pull_source(programme, SOURCE, home).state == "landed"
    before = {file.name: file.read_bytes() for file in lake_path(home, SOURCE).iterdir()}
    spoil(small_programme.folder / "exports/site_a/endline.csv")
    receipt = pull_source(programme, SOURCE, home)
    assert (receipt.state, receipt.rows_kept) == (state, 0)
    assert words in receipt.message and "Remedy: " in receipt.message
    assert "endline.csv" in receipt.message or "exports/site_a" in receipt.message
    assert {file.name: file.read_bytes() for file in lake_path(home, SOURCE).iterdir()} == before
    assert [table.row_count for table in receipt.tables] == [160]
    assert latest_receipts(home)[SOURCE] == receipt
    assert "A0000" not in receipt.message and "G\u00e9" not in receipt.message


@pytest.mark.parametrize("case", ["folder missing", "no byte", "last row short"])
def test_a_source_that_never_delivered_has_no_lake_and_stops_no_other(
    small_programme, tmp_path, case
) -> None:
    spoil, state, _ = CASES[case]
    spoil(small_programme.folder / "exports/site_a/endline.csv")
    home = tmp_path / "home"
    states = {
        receipt.source: receipt.state
        for receipt in pull_programme(load_programme(small_programme.folder), home)
    }
    assert states.pop(SOURCE) == state
    assert set(states.values()) == {"landed"} and len(states) == 8
    assert lake_path(home, SOURCE) is None


def test_a_row_that_does_not_fit_is_set_aside_and_the_others_land(small_programme, tmp_path) -> None:
    path = small_programme.folder / "exports/site_a/endline.csv"
    lines = path.read_text().splitlines()
    lines[4] += ",surplus"
    lines[7] = lines[7].replace(lines[7].split(",")[0], "", 1)
    path.write_text("\n".join(lines) + "\n")
    receipt = pull_source(load_programme(small_programme.folder), SOURCE, tmp_path)
    assert (receipt.state, receipt.rows_read, receipt.rows_kept, receipt.rows_quarantined) == (
        "landed",
        160,
        158,
        2,
    )
    rows = pl.read_parquet(lake_path(tmp_path, SOURCE) / "_quarantine.parquet").rows(named=True)
    assert [(row["file"], row["line"]) for row in rows] == [("endline.csv", "5"), ("endline.csv", "8")]
    assert rows[0]["reason"] == "the row has 8 cells, the header has 7"
    assert rows[1]["reason"] == "it has no record id"


def test_a_value_outside_a_map_is_set_aside_by_its_columns_name(small_programme, tmp_path) -> None:
    path = small_programme.folder / "exports/frame/listing.csv"
    lines = path.read_text().splitlines()
    lines[1] = ",".join([*lines[1].split(",")[:3], "SECRET", "1"])
    path.write_text("\n".join(lines) + "\n")
    receipt = pull_source(load_programme(small_programme.folder), "listing", tmp_path)
    assert (receipt.state, receipt.rows_quarantined) == ("landed", 1)
    (row,) = pl.read_parquet(lake_path(tmp_path, "listing") / "_quarantine.parquet").rows(named=True)
    assert (row["field"], row["line"]) == ("arm", "2")
    assert row["reason"] == "the value in column 'arm' is not in the map of keys.arm"
    assert "SECRET" not in str(row)


def test_an_error_nobody_foresaw_is_named_logged_and_quotes_nothing(
    small_programme, tmp_path, caplog
) -> None:
    programme = load_programme(small_programme.folder)
    chosen = (SOURCE, "endline_site_b")
    # No YAML can say this: the reading fails with an error that quotes it.
    strange = [
        each.model_copy(update={"platform": "SECRET"}) if each.source in chosen else each
        for each in programme.sources
    ]
    programme = programme.model_copy(update={"sources": strange})
    with caplog.at_level(logging.ERROR):
        receipts = list(pull_programme(programme, tmp_path, sources=[*chosen, "endline_site_c"]))
    assert [receipt.state for receipt in receipts] == ["failed", "failed", "landed"]
    assert "unexpected KeyError" in receipts[0].message and "endline.csv" in receipts[0].message
    assert "KeyError" in caplog.text and "in read_originals" in caplog.text
    assert "SECRET" not in caplog.text + receipts[0].message


def test_a_file_that_cannot_be_read_is_named(small_programme, tmp_path, monkeypatch) -> None:
    def refuse(origin: Path, _: Path) -> str:
        raise PermissionError(13, "Permission denied", str(origin))

    monkeypatch.setattr(drops, "copied", refuse)
    receipt = pull_source(load_programme(small_programme.folder), SOURCE, tmp_path)
    assert receipt.state == "failed"
    assert "site_a/endline.csv: Permission denied" in receipt.message and "Remedy" in receipt.message


def test_a_file_that_is_still_being_written_is_left_for_the_next_pull(
    small_programme, tmp_path, monkeypatch
) -> None:
    def while_it_grows(origin: Path, target: Path) -> str:
        sha256 = copied(origin, target)
        with origin.open("a") as file:
            file.write("more\n")
        return sha256

    with monkeypatch.context() as context:
        context.setattr(drops, "copied", while_it_grows)
        receipt = pull_source(load_programme(small_programme.folder), SOURCE, tmp_path)
    assert receipt.state == "failed" and "still being written" in receipt.message
    assert lake_path(tmp_path, SOURCE) is None


def test_two_columns_that_sql_cannot_tell_apart_are_refused(small_programme, tmp_path) -> None:
    path = small_programme.folder / "exports/site_a/endline.csv"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{head},Age", *(f"{row},1" for row in rows)]) + "\n")
    instrument = small_programme.read("instruments/child_test.yml")
    small_programme.write("instruments/child_test.yml", instrument | {"privacy": {"keep": ["A*"]}})
    receipt = pull_source(load_programme(small_programme.folder), SOURCE, tmp_path)
    assert receipt.state == "failed"
    assert "'Age' and 'age'" in receipt.message or "'age' and 'Age'" in receipt.message
