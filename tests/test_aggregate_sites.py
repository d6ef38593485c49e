"""A site that sends moments, a pilot known from a paper: gated like others, marked as what they are."""

import csv
import shutil
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

EFFECTS = """select site, indicator, round(estimate, 9), round(estimate_se, 9), round(df, 9),
    n_treatment, n_control, basis from site_effects
    where is_headline and dimension = 'all' and site in ('site_a', 'site_g') order by all"""


def answers(programme, site: str) -> list[dict[str, str]]:
    with (programme.folder / f"exports/{site}/endline.csv").open() as file:
        return list(csv.DictReader(file))


def moments(programme, site: str) -> list[dict[str, str]]:
    """What a site would send of its clusters: counts, means and deviations, and events of shares."""
    with (programme.folder / "exports/frame/listing.csv").open() as file:
        place = {row["child"]: (row["village"], row["arm"]) for row in csv.DictReader(file)}
    cells = defaultdict(list)
    for row in answers(programme, site):
        cells[place[row["child"]]].append(row)
    sent = []
    for (village, arm), rows in sorted(cells.items()):
        common = {"facility": site, "grp": "T" if arm == "1" else "C", "cluster": village, "n": len(rows)}
        scores = [int(row["score"]) for row in rows]
        mean, sd = f"{statistics.fmean(scores):.12f}", f"{statistics.stdev(scores):.12f}"
        sent.append(common | {"outcome": "score", "mean": mean, "sd": sd, "events": ""})
        events = sum(int(row["reads"]) for row in rows)
        sent.append(common | {"outcome": "reading", "mean": "", "sd": "", "events": events})
    return sent


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


MOMENTS = {
    "source": "moments_site_g",
    "role": "moments",
    "platform": "csv",
    "wave": "endline",
    "sites": ["site_g"],
    "indicators": ["reads_pct", "score"],
    "pull": {"drop": "moments/*.csv"},
    "columns": {
        "site": "facility",
        "arm": {"column": "grp", "map": {"T": "treatment", "C": "control"}},
        "indicator": {"column": "outcome", "map": {"score": "score", "reading": "reads_pct"}},
    },
}
PAPER = {
    "source": "paper_site_a",
    "role": "estimates",
    "platform": "csv",
    "wave": "endline",
    "sites": ["site_a"],
    "indicators": ["reads_pct", "score"],
    "pull": {"drop": "papers/*.csv"},
}


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory, write_small, sitewise, published):
    """One night on people's rows; one where a site sends moments and a pilot is known from a paper."""
    folder = tmp_path_factory.mktemp("aggregates")
    programme = write_small(folder / "programme")
    home = folder / "home"
    night = sitewise(home, "nightly", "--programme", programme.folder)
    assert night.returncode == 0, night.stdout + night.stderr
    before = published(home, EFFECTS)
    write(programme.folder / "moments/site_g.csv", moments(programme, "site_g"))
    scales = {"reads_pct": "risk_difference", "score": "difference"}
    papers = [
        {
            "indicator": indicator,
            "effect": estimate,
            "se": se,
            "df": df,
            "scale": scales[indicator],
            "n": 160,
            "citation": "Doe 2024, table 2",
        }
        for site, indicator, estimate, se, df, *_ in before
        if site == "site_a"
    ]
    write(programme.folder / "papers/doe.csv", papers)
    for site in ("site_a", "site_g"):
        programme.without("sources.yml", "source", f"endline_{site}")
    programme.add("sources.yml", MOMENTS)
    programme.add("sources.yml", PAPER)
    night = sitewise(home, "nightly", "--programme", programme.folder)
    assert night.returncode == 0, night.stdout + night.stderr
    return programme, home, before


def test_moments_and_papers_give_the_effects_their_people_gave(two_nights, published) -> None:
    _, home, before = two_nights
    after = published(home, EFFECTS)
    assert [row[:5] for row in after] == [row[:5] for row in before]
    assert [row[5:7] for row in after if row[0] == "site_g"] == [
        row[5:7] for row in before if row[0] == "site_g"
    ]
    assert {row[0]: row[7] for row in after} == {"site_a": "estimates", "site_g": "moments"}


def test_what_rests_on_them_says_so_wherever_it_is_published(two_nights, published) -> None:
    _, home, _ = two_nights
    kept = published(home, "select distinct pilot_basis, scaled_basis from effect_retention")
    assert kept == [("rows, estimates", "rows, moments")]
    notes = published(home, "select distinct note from headline")
    assert all("pilot rests on rows, estimates" in note for (note,) in notes)
    cited = published(home, "select distinct citation from site_effects where site = 'site_a'")
    assert ("Doe 2024, table 2",) in cited


def test_they_pass_a_gate_of_their_own(two_nights, published) -> None:
    _, home, _ = two_nights
    verdicts = published(
        home,
        "select distinct site, verdict from quality_verdicts"
        " where kind = 'admission' and site in ('site_a', 'site_g') order by all",
    )
    assert verdicts == [("site_a", "pass"), ("site_g", "pass")]
    rules = published(
        home,
        "select distinct rule from quality_verdicts"
        " where kind = 'rule' and site = 'site_g' and verdict <> 'not_applicable'",
    )
    assert rules == [("aggregates_hold_together",)]


@pytest.mark.slow
def test_moments_that_contradict_themselves_withhold_their_cell_and_no_other(
    two_nights, tmp_path, sitewise, published
) -> None:
    programme, before, _ = two_nights
    folder, home = tmp_path / "programme", tmp_path / "home"
    shutil.copytree(programme.folder, folder)
    shutil.copytree(before, home, symlinks=True)
    rows = moments(programme, "site_g")
    rows[0]["sd"] = "-3"
    write(folder / "moments/site_g.csv", rows)
    night = sitewise(home, "nightly", "--programme", folder)
    assert night.returncode == 0, night.stdout + night.stderr
    states = published(
        home,
        "select indicator, state, why_missing like '%aggregates_hold_together%' from site_effects"
        " where site = 'site_g' and is_headline and dimension = 'all' order by all",
    )
    assert states == [("reads_pct", "estimated", None), ("score", "withheld", True)]
