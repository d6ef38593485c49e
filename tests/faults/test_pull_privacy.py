"""Privacy at the door: what is not allowed does not pass, and identifiers become keyed hashes everywhere."""

from pathlib import Path

import polars as pl
import pytest

from ingestion.lake import lake_path
from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme, pull_source

KEY = "SITEWISE_TEST_PSEUDONYM_KEY"
SURVEY = "endline_site_a"


@pytest.fixture
def hidden(small_programme):
    """The small programme with its children's ids hidden, written differently in the survey."""
    head = small_programme.read("programme.yml")
    small_programme.write("programme.yml", head | {"privacy": {"pseudonym_key": {"env": KEY}}})
    instrument = small_programme.read("instruments/child_test.yml")
    privacy = {"keep": ["said"], "pseudonym": ["child"]}
    small_programme.write("instruments/child_test.yml", instrument | {"privacy": privacy})
    path = small_programme.folder / "exports/site_a/endline.csv"
    head_row, *rows = path.read_text().splitlines()
    rows = [row.replace(",A0", ", a 0", 1) + ",Wanjiru,hello" for row in rows]
    path.write_text("\n".join([head_row + ",name,said", *rows]) + "\n")
    return small_programme


def _table(home: Path, source: str) -> pl.DataFrame:
    return pl.read_parquet(lake_path(home, source) / "main.parquet")


def test_ids_match_between_survey_and_frame_but_are_nowhere_in_the_lake(
    hidden, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv(KEY, "k" * 32)
    programme = load_programme(hidden.folder)
    receipts = {each.source: each for each in pull_programme(programme, tmp_path, [SURVEY, "listing"])}
    assert {each.state for each in receipts.values()} == {"landed"}, receipts
    survey, listing = _table(tmp_path, SURVEY), _table(tmp_path, "listing")
    assert survey["_sw_unit_id"].is_in(listing["_sw_unit_id"].implode()).all()
    assert survey["_sw_unit_id"].str.contains("^[0-9a-f]{64}$").all()
    assert survey["child"].equals(survey["_sw_unit_id"].rename("child"))
    for source in (SURVEY, "listing"):
        text = "".join(str(row) for row in _table(tmp_path, source).rows())
        assert "A0000" not in text and "A0000-E" not in text and "Wanjiru" not in text


def test_a_column_not_on_the_list_is_dropped_and_named(hidden, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(KEY, "k" * 32)
    receipt = pull_source(load_programme(hidden.folder), SURVEY, tmp_path)
    assert receipt.columns_dropped == ["name"]
    columns = _table(tmp_path, SURVEY).columns
    assert "said" in columns and "name" not in columns and "reads" in columns


@pytest.mark.parametrize("value", [None, "", "short"])
def test_without_a_key_nothing_passes_and_the_message_says_how_to_make_one(
    hidden, tmp_path, monkeypatch, value
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    if value is not None:
        monkeypatch.setenv(KEY, value)
    for receipt in pull_programme(load_programme(hidden.folder), tmp_path, [SURVEY, "listing"]):
        assert receipt.state == "failed"
        assert KEY in receipt.message and "secrets.token_hex" in receipt.message
        assert lake_path(tmp_path, receipt.source) is None


def test_another_key_gives_other_pseudonyms_and_reads_again(hidden, tmp_path, monkeypatch) -> None:
    programme = load_programme(hidden.folder)
    seen = []
    for letter in "xy":
        monkeypatch.setenv(KEY, letter * 32)
        receipt = pull_source(programme, SURVEY, tmp_path)
        assert receipt.state == "landed"
        assert letter * 32 not in receipt.model_dump_json()
        seen.append(set(_table(tmp_path, SURVEY)["_sw_unit_id"]))
    assert seen[0].isdisjoint(seen[1])
    assert pull_source(programme, SURVEY, tmp_path).state == "unchanged"
