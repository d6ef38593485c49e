"""Bad input is normal input: every broken source is named, the other sites publish, the old release stays."""

import shutil
from pathlib import Path

import pytest

GOOD = {"site_a", "site_b"}


@pytest.fixture(scope="module")
def bad_night(tmp_path_factory, write_small, sitewise, published):
    """A good night, then one in which six of eight sites send something broken, each in its own way."""
    folder = tmp_path_factory.mktemp("bad")
    programme, home = write_small(folder / "small"), folder / "home"
    first = sitewise(home, "nightly", "--programme", programme.folder)
    assert first.returncode == 0, first.stdout + first.stderr
    served = (home / "releases/current").resolve()

    home_two = folder / "home_two"
    exports = programme.folder / "exports"
    shutil.rmtree(exports / "site_c")
    (exports / "site_d/endline.csv").write_bytes(b"")
    whole = (exports / "site_e/endline.csv").read_text()
    (exports / "site_e/endline.csv").write_text(whole.splitlines()[0] + "\n")
    whole = (exports / "site_f/endline.csv").read_text()
    (exports / "site_f/endline.csv").write_text(whole[: len(whole) - 11])
    whole = (exports / "site_g/endline.csv").read_text()
    (exports / "site_g/endline.csv").write_bytes(whole.replace("G00", "Gé0").encode("latin-1"))
    shutil.copy(exports / "site_b/endline.csv", exports / "site_h/endline.csv")
    frame = (exports / "site_a/endline.csv").read_text().splitlines()
    stranger = frame[-1].replace("A0915", "A9999")
    (exports / "site_a/endline.csv").write_text("\n".join([*frame, stranger]) + "\n")
    night = sitewise(home_two, "nightly", "--programme", programme.folder)
    return programme, home, served, home_two, night


def test_the_night_publishes_the_sites_that_are_whole(bad_night, published) -> None:
    _, _, _, home, night = bad_night
    assert night.returncode == 0, night.stdout + night.stderr
    states = dict(
        published(
            home,
            "select site, state from site_effects where indicator = 'score' and dimension = 'all'"
            " and is_headline",
        )
    )
    assert {site for site, state in states.items() if state == "estimated"} == GOOD
    assert set(states) == {f"site_{letter}" for letter in "abcdefgh"}


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        ("endline_site_c", "failed", "site_c"),
        ("endline_site_d", "empty", "endline.csv"),
        ("endline_site_e", "empty", "endline.csv"),
        ("endline_site_f", "failed", "endline.csv"),
        ("endline_site_g", "failed", "encoding"),
        ("endline_site_h", "conflict", "endline_site_b"),
    ],
)
def test_each_broken_source_has_a_named_state_and_a_remedy(bad_night, source, state, words) -> None:
    from ingestion.landing import latest_receipts

    receipt = latest_receipts(bad_night[3])[source]
    assert receipt.state == state
    assert words in receipt.message
    assert "emedy" in receipt.message
    assert source in bad_night[4].stdout


def test_a_unit_outside_the_frame_is_marked_and_changes_no_effect(bad_night, published) -> None:
    _, home, _, home_two, _ = bad_night
    effect = (
        "select estimate, estimate_se from site_effects where site = 'site_a' and indicator = 'score'"
        " and dimension = 'all' and is_headline"
    )
    assert published(home, effect) == published(home_two, effect)
    judged = published(
        home_two,
        "select violation_count from quality_verdicts where rule like '%in_the_frame%' and site = 'site_a'",
    )
    assert {1} == {int(row[0]) for row in judged}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("sites.yml", "- {site: a\n  b: [", "sites.yml"),
        ("sources.yml", "SWAP", "surveymonkey"),
    ],
)
def test_a_broken_programme_is_refused_and_the_old_release_stays_served(
    bad_night, sitewise, tmp_path: Path, name, text, words
) -> None:
    programme, home, served, _, _ = bad_night
    copy = tmp_path / "copy"
    shutil.copytree(programme.folder, copy)
    before = (copy / name).read_text()
    (copy / name).write_text(
        before.replace("platform: csv", "platform: surveymonkey") if text == "SWAP" else text
    )
    night = sitewise(home, "nightly", "--programme", copy)
    assert night.returncode != 0
    said = night.stdout + night.stderr
    assert name in said and words in said and "emedy" in said
    assert "Traceback" not in said
    check = sitewise(home, "check", "--programme", copy)
    assert check.returncode == 1 and name in check.stdout + check.stderr
    assert (home / "releases/current").resolve() == served
