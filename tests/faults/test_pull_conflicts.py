"""Two sources that claim the same submissions: the first keeps them, the other is named and holds nothing."""

import shutil

from ingestion.lake import lake_path
from ingestion.programme.load import load_programme
from ingestion.pull import pull_programme, pull_source


def _pull(small, home) -> dict:
    return {receipt.source: receipt for receipt in pull_programme(load_programme(small.folder), home)}


def test_the_later_source_is_in_conflict_and_both_files_are_named(small_programme, tmp_path) -> None:
    exports = small_programme.folder / "exports"
    shutil.copy(exports / "site_b/endline.csv", exports / "site_h/copied.csv")
    (exports / "site_h/endline.csv").unlink()
    receipts = _pull(small_programme, tmp_path)
    assert receipts["endline_site_b"].state == "landed"
    conflict = receipts["endline_site_h"]
    assert conflict.state == "conflict"
    assert lake_path(tmp_path, "endline_site_h") is None
    for word in ("copied.csv", "endline.csv", "endline_site_b", "endline_site_h", "160", "Remedy"):
        assert word in conflict.message
    # Pulled again alone, and with nothing new, it is still a conflict.
    programme = load_programme(small_programme.folder)
    assert pull_source(programme, "endline_site_h", tmp_path).state == "conflict"


def test_a_lake_without_the_claimed_rows_stays_and_one_with_them_is_withdrawn(
    small_programme, tmp_path
) -> None:
    exports = small_programme.folder / "exports"
    _pull(small_programme, tmp_path)
    own = (exports / "site_h/endline.csv").read_bytes()
    shutil.copy(exports / "site_b/endline.csv", exports / "site_h/endline.csv")
    assert _pull(small_programme, tmp_path)["endline_site_h"].state == "conflict"
    assert lake_path(tmp_path, "endline_site_h") is not None
    # The earlier source now pulls what the later one has landed.
    (exports / "site_h/endline.csv").write_bytes(own)
    (exports / "site_b/endline.csv").write_bytes(own)
    receipts = _pull(small_programme, tmp_path)
    assert (receipts["endline_site_b"].state, receipts["endline_site_h"].state) == ("landed", "conflict")
    assert lake_path(tmp_path, "endline_site_h") is None
    assert receipts["endline_site_h"].tables == []


def test_two_sources_that_share_a_file_but_not_its_rows_are_in_no_conflict(small_programme, tmp_path) -> None:
    source = small_programme.without("sources.yml", "source", "endline_site_b")
    older = source | {"source": "older", "accept": {"where": {"column": "age", "in": ["9", "10", "11"]}}}
    small_programme.add("sources.yml", older)
    younger = source | {"source": "younger", "accept": {"where": {"column": "age", "in": ["6", "7", "8"]}}}
    small_programme.add("sources.yml", younger)
    receipts = _pull(small_programme, tmp_path)
    assert {receipts["older"].state, receipts["younger"].state} == {"landed"}
    assert receipts["older"].rows_kept + receipts["younger"].rows_kept == 160
    assert receipts["older"].rows_not_accepted == receipts["younger"].rows_kept


def test_empty_exports_of_two_sources_are_the_same_bytes_and_no_conflict(small_programme, tmp_path) -> None:
    for site in ("site_b", "site_h"):
        (small_programme.folder / f"exports/{site}/endline.csv").write_bytes(b"\n")
    receipts = _pull(small_programme, tmp_path)
    assert {receipts["endline_site_b"].state, receipts["endline_site_h"].state} == {"empty"}
