"""A closed analysis answers once; what changes it later is a dated amendment; the earlier answer stays."""

import csv
import shutil
from pathlib import Path

import pytest

ANSWERS = """select indicator, answer_number, answered_on::varchar, is_current, verdict,
    round(scaled_estimate, 6), what_changed, registered_note, is_registered, numbers_state
    from amendments order by all"""


def night(sitewise, home: Path, folder: Path, as_of: str) -> str:
    done = sitewise(home, "nightly", "--programme", folder, "--as-of", as_of)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def correct(folder: Path, site: str, column: str, change) -> None:
    path = folder / f"exports/{site}/endline.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row[column] = change(row[column])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def first(tmp_path_factory, write_small, sitewise):
    """A night on a closed analysis; tests go on from copies of its home."""
    folder = tmp_path_factory.mktemp("amended")
    programme = write_small(folder / "programme")
    night(sitewise, folder / "home", programme.folder, "2026-03-31")
    return programme, folder / "home"


@pytest.fixture
def again(first, tmp_path, write_small):
    """The programme and its home after the first night, to be changed."""
    programme, home = first
    shutil.copytree(programme.folder, tmp_path / "programme")
    shutil.copytree(home, tmp_path / "home", symlinks=True)
    return type(programme)(tmp_path / "programme"), tmp_path / "home"


def test_the_first_answer_is_dated_and_current(first, published) -> None:
    _, home = first
    rows = published(home, ANSWERS)
    assert [row[:4] for row in rows] == [
        ("reads_pct", 1, "2026-03-31", True),
        ("score", 1, "2026-03-31", True),
    ]
    assert {row[6:] for row in rows} == {("first answer", None, True, "published")}
    assert published(home, "select verdict from effect_retention order by indicator") == [
        (row[4],) for row in rows
    ]


def test_later_data_amend_the_answers_they_change_and_a_roll_back_takes_the_older_ones_up_again(
    again, sitewise, published
) -> None:
    programme, home = again
    older = (home / "releases/current").resolve().name
    before = published(home, ANSWERS)
    correct(programme.folder, "site_g", "score", lambda score: str(int(score) + int(score) % 2))
    night(sitewise, home, programme.folder, "2026-04-02")
    after = published(home, ANSWERS)
    assert [row[:3] for row in after] == [
        ("reads_pct", 1, "2026-03-31"),
        ("score", 1, "2026-03-31"),
        ("score", 2, "2026-04-02"),
    ]
    assert [row[3] for row in after] == [True, False, True]
    assert after[1][4:6] == before[1][4:6] and after[2][5] != before[1][5]
    assert after[2][6].split("; ")[0] == "exports of endline_site_g"
    rolled = sitewise(home, "release", "rollback", "--to", older, "--yes")
    assert rolled.returncode == 0, rolled.stdout + rolled.stderr
    assert published(home, ANSWERS) == before


@pytest.mark.slow
def test_a_definition_that_changes_without_a_note_is_told_and_with_one_is_registered(
    again, sitewise, published
) -> None:
    programme, home = again
    indicator = programme.read("indicators/score.yml")
    programme.write("indicators/score.yml", indicator | {"retention_margin": 0.9})
    night(sitewise, home, programme.folder, "2026-04-02")
    told = """select answer_number, is_registered, registered_note from amendments
        where indicator = 'score' order by answer_number"""
    amended = published(home, told)
    assert amended[0] == (1, True, None)
    if len(amended) > 1:
        assert amended[1] == (2, False, None)
    programme.write("indicators/score.yml", indicator | {"retention_margin": 0.2, "smallest_effect": 7})
    (analysis,) = programme.read("analyses.yml")
    note = {"on": "2026-04-03", "what": "margin lowered", "why": "the funder's board decided so"}
    programme.write("analyses.yml", [analysis | {"amendments": [note]}])
    correct(programme.folder, "site_g", "score", lambda score: str(int(score) + 1))
    correct(programme.folder, "site_h", "score", lambda score: str(int(score) + int(score) % 3))
    night(sitewise, home, programme.folder, "2026-04-03")
    last = published(home, told)[-1]
    assert last[1:] == (True, "2026-04-03: margin lowered (the funder's board decided so)")


def test_a_night_without_news_answers_nothing_again(again, sitewise, published) -> None:
    programme, home = again
    release = (home / "releases/current").resolve()
    night(sitewise, home, programme.folder, "2026-03-31")
    assert (home / "releases/current").resolve() == release


def test_an_analysis_that_is_still_open_has_answered_nothing(
    tmp_path, write_small, sitewise, published
) -> None:
    programme = write_small(tmp_path / "programme")
    night(sitewise, tmp_path / "home", programme.folder, "2025-11-20")
    assert published(tmp_path / "home", ANSWERS) == []
