"""One site of fifty sends nonsense: it alone is withheld, with its reasons, and the others publish."""

import pytest


@pytest.mark.slow
def test_one_poison_site_of_fifty_is_withheld_alone_and_says_why(tmp_path, sitewise, published):
    programme, home = tmp_path / "programme", tmp_path / "home"
    simulated = sitewise(
        home, "simulate", "--sites", "12,2,36", "--respondents", "60", "--seed", "5", "--out", programme
    )
    assert simulated.returncode == 0, simulated.stderr
    night = sitewise(home, "nightly", "--programme", programme)
    assert night.returncode == 0, night.stdout + night.stderr
    assert published(home, "select count(*) from sites") == [(50,)]
    withheld = published(home, "select site from sites where withheld_cell_count > 0")
    assert len(withheld) == 1
    [(poison,)] = withheld
    reasons = published(
        home,
        f"select distinct worst_rule from quality_verdicts where kind = 'admission' and site = '{poison}'"
        " and not is_admitted",
    )
    assert any("words_correct" in rule or "one_interview" in rule for (rule,) in reasons), reasons
    sound = published(
        home,
        "select count(distinct site) from site_effects where is_headline and indicator = 'reading_score'"
        f" and estimate is not null and site <> '{poison}' and site <> 'network'",
    )
    assert sound == [(49,)]
