"""A programme grows by YAML alone: one entry each for a site, an indicator, a rule and a source."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_one_entry_adds_a_site(small_programme, home, sitewise, published) -> None:
    taken = small_programme.without("sites.yml", "site", "site_h")
    for source in [f"endline_{site}" for site in ("site_g", "site_h")]:
        small_programme.without("sources.yml", "source", source)
    # one source for both sites, with no list of sites: whichever site is declared is expected
    shared_source = {
        "source": "endline_east",
        "role": "survey",
        "platform": "csv",
        "instrument": "child_test",
        "wave": "endline",
        "pull": {"drop": "exports/site_[gh]/*.csv"},
        "keys": {"unit": "child", "site": "site", "record": "id", "submitted_at": "when"},
    }
    small_programme.add("sources.yml", shared_source)
    night = sitewise(home, "nightly", "--programme", small_programme.folder)
    assert night.returncode == 0, night.stdout + night.stderr
    assert published(home, "select count(*) from sites where site = 'site_h'") == [(0,)]

    small_programme.add("sites.yml", taken)
    night = sitewise(home, "nightly", "--programme", small_programme.folder)
    assert night.returncode == 0, night.stdout + night.stderr
    shown = published(
        home,
        "select site, state from site_effects where analysis = 'endline_2025' and indicator = 'score'"
        " and dimension = 'all' and site = 'site_h' and is_headline",
    )
    assert shown == [("site_h", "estimated")]


def test_one_entry_adds_an_indicator_a_rule_and_a_source(small_programme, home, sitewise, published) -> None:
    score = (small_programme.folder / "indicators/score.yml").read_text()
    (small_programme.folder / "indicators/score.yml").unlink()
    source = small_programme.without("sources.yml", "source", "endline_site_h")
    night = sitewise(home, "nightly", "--programme", small_programme.folder)
    assert night.returncode == 0, night.stdout + night.stderr
    assert published(home, "select indicator from indicators") == [("reads_pct",)]

    (small_programme.folder / "indicators/score.yml").write_text(score)
    small_programme.add("sources.yml", source)
    out_of_fifty = {
        "rule": "scores_are_out_of_fifty",
        "type": "range",
        "item": "child_test.score",
        "min": 0,
        "max": 50,
        "dimension": "validity",
        "severity": "warning",
        "threshold_pct": 2,
        "set_by": "tests",
        "set_on": "2026-01-10",
        "ground": "the test is marked out of fifty",
    }
    small_programme.write("rules/scores.yml", [out_of_fifty])
    night = sitewise(home, "nightly", "--programme", small_programme.folder)
    assert night.returncode == 0, night.stdout + night.stderr
    assert published(home, "select indicator from indicators order by all") == [("reads_pct",), ("score",)]
    assert published(home, "select source from provenance where source = 'endline_site_h'")
    asked = "select distinct verdict from quality_verdicts where rule = 'scores_are_out_of_fifty'"
    judged = published(home, asked)
    assert judged == [("pass",)]
    shown = published(
        home,
        "select state from site_effects where indicator = 'score' and site = 'site_h' and is_headline"
        " and dimension = 'all'",
    )
    assert shown == [("estimated",)]


def test_an_entry_taken_away_takes_its_numbers_along(small_programme, home, sitewise, published) -> None:
    shutil.rmtree(small_programme.folder / "exports/site_h")
    small_programme.without("sites.yml", "site", "site_h")
    small_programme.without("sources.yml", "source", "endline_site_h")
    night = sitewise(home, "nightly", "--programme", small_programme.folder)
    assert night.returncode == 0, night.stdout + night.stderr
    assert published(home, "select count(*) from site_effects where site = 'site_h'") == [(0,)]
