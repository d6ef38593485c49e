"""A programme grows by YAML alone: one entry each for a site, an indicator, a rule and a source."""

import pytest

RULE = {
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
# one source for two sites, with no list of sites: whichever site is declared is expected
EAST = {
    "source": "endline_east",
    "role": "survey",
    "platform": "csv",
    "instrument": "child_test",
    "wave": "endline",
    "pull": {"drop": "exports/site_[gh]/*.csv"},
    "keys": {"unit": "child", "site": "site", "record": "id", "submitted_at": "when"},
}
HAS = {
    "site": "select site from sites where site = 'site_h'",
    "indicator": "select indicator from indicators where indicator = 'score'",
    "rule": "select distinct verdict from quality_verdicts where rule = 'scores_are_out_of_fifty'",
    "source": "select source from provenance where source = 'endline_site_f'",
    "effects": """select site, state from site_effects where indicator = 'score' and is_headline
        and dimension = 'all' and site = 'site_h'""",
}


@pytest.fixture(scope="module")
def three_nights(tmp_path_factory, write_small, sitewise, published):
    """What is there before four entries are added, with them, and after they are taken away again."""
    programme = write_small(tmp_path_factory.mktemp("growing") / "programme")
    home = tmp_path_factory.mktemp("growing_home")
    score = programme.read("indicators/score.yml")
    score_file = programme.folder / "indicators/score.yml"

    def night() -> dict[str, list]:
        done = sitewise(home, "nightly", "--programme", programme.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return {name: published(home, query) for name, query in HAS.items()}

    def take_away() -> tuple[dict, dict]:
        score_file.unlink()
        (programme.folder / "rules/scores.yml").unlink(missing_ok=True)
        site = programme.without("sites.yml", "site", "site_h")
        return site, programme.without("sources.yml", "source", "endline_site_f")

    for site in ("site_g", "site_h"):
        programme.without("sources.yml", "source", f"endline_{site}")
    programme.add("sources.yml", EAST)
    site, source = take_away()
    told = [night()]
    programme.add("sites.yml", site)
    programme.add("sources.yml", source)
    programme.write("indicators/score.yml", score)
    programme.write("rules/scores.yml", [RULE])
    told.append(night())
    take_away()
    return [*told, night()]


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("site", [("site_h",)]),
        ("indicator", [("score",)]),
        ("rule", [("pass",)]),
        ("source", [("endline_site_f",)]),
        ("effects", [("site_h", "estimated")]),
    ],
)
def test_one_entry_adds_it_and_taken_away_takes_its_numbers_along(three_nights, entry, found) -> None:
    assert [told[entry] for told in three_nights] == [[], found, []]
