"""The demo's published numbers are those of the people simulated, computed here without the pipeline.

The oracle below works on rows: ordinary least squares with a dummy per block, and CR2 with Bell and
McCaffrey's degrees of freedom by the eigenvalues of each cluster's matrix. It shares no code and no
closed form with the models.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

INDICATORS = ["reading_proficient_pct", "reading_score", "learning_spend", "absence_rate"]


@pytest.fixture(scope="module")
def truth(demo_night: Path) -> dict:
    return json.loads((demo_night / "programme/truth/truth.json").read_text())


@pytest.fixture(scope="module")
def children(demo_night: Path) -> pl.DataFrame:
    path = demo_night / "programme/truth/children.csv"
    rows = pl.read_csv(path, infer_schema_length=0).with_columns(pl.col("replaces").replace("", None))
    return rows.filter((pl.col("wave") == "endline") & pl.col("replaces").is_null())


@pytest.fixture(scope="module")
def site_effects(demo_night: Path) -> dict:
    sql = (
        "select site, indicator, estimate, estimate_se, df, n_treatment + n_control, state"
        " from effects.int_site_effects"
        " where analysis = 'endline_2025' and dimension = 'all' and is_headline"
    )
    with duckdb.connect(str(demo_night / "warehouse.duckdb"), read_only=True) as connection:
        return {(row[0], row[1]): row[2:] for row in connection.execute(sql).fetchall()}


def cr2(y, x, clusters):
    """Estimate, CR2 standard error and Bell-McCaffrey degrees of freedom of the first coefficient."""
    bread = np.linalg.pinv(x.T @ x)
    beta = bread @ x.T @ y
    residual = y - x @ beta
    groups = [np.flatnonzero(clusters == name) for name in np.unique(clusters)]
    hat = x @ bread @ x.T
    scores, vectors = [], []
    for rows in groups:
        values, directions = np.linalg.eigh(np.eye(len(rows)) - hat[np.ix_(rows, rows)])
        inverse_root = np.where(values > 1e-10, 1 / np.sqrt(np.where(values > 1e-10, values, 1)), 0)
        adjusted = directions @ np.diag(inverse_root) @ directions.T @ x[rows] @ bread[:, 0]
        scores.append(adjusted @ residual[rows])
        vectors.append(adjusted @ (np.eye(len(y)) - hat)[rows])
    products = np.array(vectors) @ np.array(vectors).T
    df = np.trace(products) ** 2 / (products**2).sum()
    return beta[0], np.sqrt(np.square(scores).sum()), df


def by_rows(children: pl.DataFrame, site: str, indicator: str):
    """The oracle's effect of one indicator at one site."""
    rows = children.filter(pl.col("site") == site)
    if indicator == "absence_rate":
        rows = rows.filter(pl.col("absence_events").is_not_null() & (pl.col("absence_events") != ""))
        exposure = rows["absence_exposure"].cast(float).to_numpy()
        y = 100 * rows["absence_events"].cast(float).to_numpy() / exposure
    else:
        rows = rows.filter(pl.col(indicator).is_not_null() & (pl.col(indicator) != ""))
        y = rows[indicator].cast(float).to_numpy()
        exposure = np.ones(len(y))
    blocks = rows["block"].to_numpy()
    treated = (rows["arm"] == "treatment").cast(float).to_numpy()
    x = np.column_stack([treated, *[(blocks == name).astype(float) for name in np.unique(blocks)]])
    root = np.sqrt(exposure)
    return *cr2(y * root, x * root[:, None], rows["village"].to_numpy()), len(y)


def test_site_effects_equal_those_of_the_people_simulated(truth, children, site_effects) -> None:
    compared = 0
    for (site, indicator), (estimate, error, df, n, state) in site_effects.items():
        if indicator not in INDICATORS or state != "estimated":
            continue
        expected = by_rows(children, site, indicator)
        assert expected[3] == n, (site, indicator)
        assert [estimate, error, df] == pytest.approx(expected[:3], rel=1e-9), (site, indicator)
        compared += 1
    assert compared == 17 * len(INDICATORS)


def test_the_site_whose_data_must_not_be_published_is_withheld_with_its_reason(
    truth, demo_night, published
) -> None:
    shown = published(
        demo_night,
        "select distinct state, estimate, why_missing from site_effects"
        f" where site = '{truth['withheld_site']}' and wave = 'endline' and is_headline",
    )
    assert shown and all(state == "withheld" and estimate is None for state, estimate, _ in shown)
    assert all("one_interview_per_unit_and_wave" in why for *_, why in shown)
    named = published(demo_night, "select withheld_sites from headline")
    assert all(truth["withheld_site"] in sites for (sites,) in named)


def test_the_verdicts_tell_the_planted_story(demo_night, published) -> None:
    told = dict(published(demo_night, "select indicator, verdict from headline where wave = 'endline'"))
    assert told["reading_score"] == "held"
    assert told["reading_proficient_pct"] == "held"
    # Planted are faded_negligible and reversed; kakamega, whose data are withheld, could change either.
    could = dict(published(demo_night, "select indicator, note from effect_retention where wave = 'endline'"))
    for indicator, planted in (("learning_spend", "faded_negligible"), ("absence_rate", "reversed")):
        assert told[indicator] == "inconclusive"
        assert f"withheld sites could change it: without them it is {planted}" in could[indicator]
    words = dict(published(demo_night, "select indicator, verdict_words from headline"))
    assert words["reading_proficient_pct"].startswith("kept at least")
    assert "attenuated" in words["reading_proficient_pct"]


def test_planted_effects_lie_within_the_published_intervals(truth, demo_night, published) -> None:
    rows = published(
        demo_night,
        "select indicator, stage, estimate, estimate_se from pooled_effects"
        " where analysis = 'endline_2025' and is_headline and dimension = 'all'",
    )
    seen = 0
    for indicator, stage, estimate, error in rows:
        planted = truth["indicators"][indicator]
        if planted["measure"] == "hedges_g" or stage in ("scale_pilot", "all"):
            continue
        assert abs(estimate - planted[stage]) < 4 * error, (indicator, stage)
        seen += 1
    assert seen == 8


def test_a_wave_still_in_the_field_tells_no_arm_apart(demo_night, published) -> None:
    followup = "where wave = 'followup_1'"
    assert published(demo_night, f"select distinct state from site_effects {followup}") == [("interim",)]
    assert published(demo_night, f"select count(estimate) from site_effects {followup}") == [(0,)]
    arms = published(demo_night, f"select distinct arm from indicator_values {followup}")
    assert arms == [("pooled",)]
    told = published(demo_night, f"select distinct verdict from effect_retention {followup}")
    assert told == [("interim",)]


def test_every_count_published_of_a_private_programme_is_rounded_or_withheld(demo_night, published) -> None:
    counts = published(demo_night, "select n_treatment, n_control from site_effects")
    values = [value for row in counts for value in row if value is not None]
    assert values and all(value % 5 == 0 and value > 7 for value in values)


def test_no_name_phone_or_device_of_anyone_reaches_lake_or_release(demo_night) -> None:
    planted = {"name", "phone", "gps", "deviceid", "devicephonenum", "subscriberid", "simid"}
    with duckdb.connect() as connection:
        for table in sorted((demo_night / "lake").glob("*/*.parquet")):
            sql = f"describe select * from read_parquet('{table}')"
            columns = {str(row[0]).lower().rpartition("/")[2] for row in connection.execute(sql).fetchall()}
            assert not {c for c in columns if c in planted or "phone" in c or c.endswith("child_name")}, table


def test_the_readme_shows_what_an_older_client_reads(demo_night) -> None:
    client = Path(sys.executable).parent / "duckdb"
    version = subprocess.run([client, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("v1.")
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    shown = re.findall(r"```sql\n([^`]*)```\n((?:\|.*\n)+)", readme)
    assert len(shown) == 3
    release = demo_night / "releases/current/sitewise.duckdb"
    for query, table in shown:
        command = [client, "-readonly", release, "-c", ".mode markdown", "-c", query]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert printed.strip() == table.strip()


def test_one_query_leads_from_a_number_back_to_the_receipts_rules_and_code_behind_it(demo_night) -> None:
    docs = (Path(__file__).parent.parent / "docs" / "releases.md").read_text()
    [query] = re.findall(r"```sql\n([^`]*)```", docs)
    release = demo_night / "releases/current/sitewise.duckdb"
    with duckdb.connect(str(release.resolve()), read_only=True) as connection:
        rows = connection.execute(query).fetchall()
        names = [column[0] for column in connection.description or ()]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    assert {"child_test_surveycto", "assignment_kenya"} == {row["source"] for row in found}
    assert {"child_test.words_correct", "*"} == {row["item"] for row in found}
    for row in found:
        receipt = demo_night / "landing" / row["source"] / "receipts" / f"{row['receipt_id']}.json"
        assert json.loads(receipt.read_text())["input_hash"] == row["input_hash"]
        assert row["rules_fingerprint"] and row["code_fingerprint"]
    assert "arm_shares_match_the_design" in {row["rule"] for row in found}


def test_other_thresholds_are_judged_from_the_facts_of_the_night_without_measuring_again(
    demo_night, tmp_path, sitewise
) -> None:
    programme = tmp_path / "programme"
    shutil.copytree(demo_night / "programme", programme)
    before = (demo_night / "warehouse.duckdb").read_bytes()
    same = sitewise(demo_night, "quality", "judge", "--programme", programme)
    assert "0 cells would change their verdict" in same.stdout, same.stdout + same.stderr
    own = programme / "rules" / "child_test.yml"
    own.write_text(own.read_text().replace("threshold_pct: 2,", "threshold_pct: 60,"))
    milder = " ".join(sitewise(demo_night, "quality", "judge", "--programme", programme).stdout.split())
    assert "gulu" in milder
    assert "0 cells would change" not in milder
    assert "kakamega" not in milder
    assert "otherwise" not in milder
    own.write_text(
        own.read_text().replace("threshold_pct: 60,", "threshold_pct: 2,").replace("max: 16", "max: 15")
    )
    narrower = sitewise(demo_night, "quality", "judge", "--programme", programme).stdout
    assert "0 cells would change" in narrower
    assert "which a night will do otherwise: child_age_range" in narrower
    waivers = programme / "waivers.yml"
    lines = waivers.read_text().replace("until: 2026-09-30", "until: 2026-12-31")
    doubles = lines.replace("values_in_range", "one_interview_per_unit_and_wave")
    waivers.write_text(lines + doubles.partition("\n")[2])
    waived = sitewise(demo_night, "quality", "judge", "--programme", programme)
    assert "5 cells would change their verdict" in waived.stdout, waived.stdout + waived.stderr
    assert "waived by" in " ".join(waived.stdout.split())
    assert (demo_night / "warehouse.duckdb").read_bytes() == before


def test_the_night_tells_what_warns_which_waiver_has_expired_and_which_holds(demo_night, published) -> None:
    assert published(demo_night, "select indicator, state, judgement_count from waivers order by 1") == [
        ("*", "expired", 0),
        ("absence_rate", "in_force", 1),
    ]
    said = " ".join((demo_night / "said.txt").read_text().split())
    assert "kakamega: the waiver of values_in_range by Field director" in said
    assert "has expired on 2026-09-30" in said
    assert "holds until 2026-12-31" in said
    assert "gulu: warns child_age_range: more than 2%" in said
    waived = "select verdict, reason from quality_verdicts where is_waived"
    assert [verdict for verdict, _ in published(demo_night, waived)] == ["warn"]
    cells = "select distinct verdict from quality_verdicts where kind = 'admission' and site = 'kakamega'"
    assert published(demo_night, f"{cells} and wave = 'endline'") == [("fail",)]


def test_a_site_is_told_what_to_mend_by_question_and_by_the_platform_s_own_keys(demo_night) -> None:
    with (demo_night / "feedback" / "kakamega" / "feedback.csv").open() as file:
        rows = {row["rule"]: row for row in csv.DictReader(file)}
    words = rows["values_in_range__child_test__words_correct"]
    assert words["question"] == "child_test.words_correct"
    keys = words["submissions"].split()
    assert len(keys) == 20
    known: set[str] = set()
    for table in (demo_night / "lake").glob("*/main.parquet"):
        frame = pl.read_parquet(table)
        known |= set(frame["_sw_record_id"]) if "_sw_record_id" in frame.columns else set()
    assert known.issuperset(keys)
    sites = {folder.name for folder in (demo_night / "feedback").iterdir()}
    assert len(sites) == 18
    assert "No fault was found" in (demo_night / "feedback" / "lira" / "feedback.html").read_text()
