"""What sites are told: worst first, nothing of other sites, for the owner alone, and a page without fault."""

import csv

from orchestration.feedback import write_feedback

JUDGEMENT = {
    "rule": "a_minor",
    "site": "siaya",
    "wave": "endline",
    "indicator": "*",
    "state": "warn",
    "violations": 3,
    "denominator": 200,
    "measured": 1.5,
    "comparison": "at_most",
    "threshold": 1.0,
    "reason": "1.5% of 200 against at most 1%",
    "waiver": None,
}
CELL = {
    "site": "siaya",
    "wave": "endline",
    "indicator": "reads",
    "is_admitted": False,
    "worst_rule": "z_major",
}
MAJOR = JUDGEMENT | {"rule": "z_major", "state": "fail", "reason": "<b>9%</b>"}


def test_what_withholds_most_comes_first_and_only_a_site_s_own_faults_are_told(tmp_path):
    elsewhere = JUDGEMENT | {"site": "busia", "rule": "not_here"}
    write_feedback(tmp_path, [JUDGEMENT, elsewhere, MAJOR, JUDGEMENT | {"state": "pass"}], [CELL])
    folder = tmp_path / "feedback" / "siaya"
    rows = list(csv.DictReader((folder / "feedback.csv").open()))
    assert [(row["rule"], row["cells_it_decides"]) for row in rows] == [("z_major", "1"), ("a_minor", "0")]
    page = (folder / "feedback.html").read_text()
    assert "1 of 1 cells are withheld" in page and "&lt;b&gt;" in page and "<b>" not in page
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700


def test_a_site_without_fault_is_told_so_and_no_name_leads_out_of_the_folder(tmp_path):
    [folder] = write_feedback(tmp_path, [MAJOR], [CELL | {"site": "../..", "is_admitted": True}])
    assert folder.resolve().parent == tmp_path / "feedback"
    assert "No fault was found" in (folder / "feedback.html").read_text()


def test_the_question_the_submissions_and_who_held_them_are_named_by_key(tmp_path):
    place = {"rule": "z_major", "site": "siaya", "wave": "endline"}
    examples = [
        place | {"record_id": "uuid:1", "enumerator": "e7"},
        place | {"record_id": "uuid:2", "enumerator": None},
        place | {"record_id": "uuid:3", "enumerator": "e7"},
        place | {"site": "busia", "record_id": "uuid:9", "enumerator": "e1"},
    ]
    write_feedback(tmp_path, [MAJOR, JUDGEMENT], [CELL], examples, {"z_major": "child_test.age"})
    rows = list(csv.DictReader((tmp_path / "feedback" / "siaya" / "feedback.csv").open()))
    told = [(row["question"], row["submissions"], row["enumerators"]) for row in rows]
    assert told == [("child_test.age", "uuid:1 uuid:2 uuid:3", "e7"), ("", "", "")]
