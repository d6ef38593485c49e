"""What the simulator plants, the readers find: a simulated programme, pulled, is compared with its truth."""

from pathlib import Path

import polars as pl
import pytest

from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme
from ingestion.simulate import Truth, simulate

PERSONAL = ("child_name", "member_name", "tracker_name", "phone", "gps", "deviceid", "simid", "subscriberid")


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder, home = tmp_path_factory.mktemp("programme"), tmp_path_factory.mktemp("home")
    truth = simulate(folder, (4, 2, 12), 60, seed=5)
    receipts = {receipt.source: receipt for receipt in pull_programme(load_programme(folder), home)}
    return folder, home, truth, receipts


def lake(home: Path, source: str) -> pl.DataFrame:
    return pl.read_parquet(home / "lake" / source / "main.parquet")


def children(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "truth" / "children.csv", infer_schema=False)


def test_every_source_lands_and_nothing_is_quarantined(night):
    _, _, truth, receipts = night
    assert {receipt.state for receipt in receipts.values()} == {"landed"}
    assert {file["source"] for file in truth.files} == set(receipts)
    assert sum(receipt.rows_quarantined for receipt in receipts.values()) == 0


def test_older_versions_are_replaced_and_practice_is_not_accepted(night):
    _, home, truth, receipts = night
    for source, receipt in receipts.items():
        if "kobo" in source or "surveycto" in source:
            again = truth.count("submission_exported_again", source)
            edited = truth.count("edited_submission", source) if "kobo" in source else 0
            assert receipt.rows_replaced == again + edited, source
            assert receipt.rows_not_accepted == truth.count("practice_submission", source), source
    visits = pl.read_parquet(home / "lake/child_test_redcap/home_visit.parquet").height
    left_out = truth.count("row_of_a_repeating_instrument") - visits + truth.count("unfinished_form")
    assert receipts["child_test_redcap"].rows_not_accepted == left_out
    assert visits > 0


def test_personal_columns_stop_at_the_door(night):
    _, home, _, receipts = night
    for source, receipt in receipts.items():
        kept = lake(home, source).columns
        assert not [column for column in kept if any(word in column.lower() for word in PERSONAL)]
        assert receipt.columns_dropped or source == "assignment_uganda"


@pytest.mark.parametrize(
    ("source", "wave", "column"),
    [
        ("endline_kobo", "endline", "g_read/words_correct"),
        ("endline_odk", "endline", "g_read-words_correct"),
        ("child_test_surveycto", "endline", "words_correct"),
        ("child_test_redcap", "followup_1", "words_correct"),
    ],
)
def test_the_lake_holds_each_childs_true_answer_in_its_latest_version(night, source, wave, column):
    folder, home, truth, _ = night
    found = lake(home, source).filter(pl.col("_sw_wave") == wave)
    platform = source.rpartition("_")[2]
    known = children(folder).filter(
        (pl.col("wave") == wave)
        & (pl.col("platform") == platform)
        & pl.col("reading_score").is_not_null()
        & (pl.col("site") != (truth.withheld_site or ""))
    )
    joined = known.join(found, left_on="child_id", right_on="_sw_unit_id", how="left")
    assert len(joined) == len(known) > 0
    assert joined["reading_score"].to_list() == joined[column].to_list()


def test_the_frame_gives_every_child_its_true_village_and_arm(night):
    folder, home, _, _ = night
    frame = pl.concat(
        [lake(home, f"assignment_{country}") for country in ("kenya", "uganda")], how="diagonal"
    )
    known = children(folder).filter(pl.col("wave") == "baseline")
    joined = known.join(frame, left_on="child_id", right_on="_sw_unit_id", how="left")
    assert len(joined) == len(known) == len(frame)
    for true, system in (("arm", "arm"), ("village", "cluster_code"), ("block", "block_code")):
        assert joined[true].to_list() == joined[f"_sw_{system}"].to_list()
    assert joined["replaces"].to_list() == joined["_sw_replaces_unit_id"].to_list()


def test_the_same_input_is_not_read_again(night):
    folder, home, _, _ = night
    assert {receipt.state for receipt in pull_programme(load_programme(folder), home)} == {"unchanged"}


def test_the_truth_can_be_read_back(night):
    folder, _, truth, _ = night
    assert Truth.read(folder) == truth
