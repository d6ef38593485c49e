"""Pooled effects equal metafor's, name what they claim, and say which sites they lack."""

from math import inf, sqrt

import pandas as pd
import pytest


@pytest.fixture
def pooled(effects_warehouse):
    """Pools hand-made site effects: lists of estimates, variances and, where it matters, df and eligibles."""

    def built(pools: dict[str, dict], analysis: dict | None = None) -> pd.DataFrame:
        warehouse = effects_warehouse()
        warehouse.insert("registry.indicators", [{}])
        warehouse.insert("registry.analyses", [analysis or {}])
        rows = [
            {
                **{
                    "pool_id": number,
                    "analysis": "main",
                    "indicator": "score",
                    "wave": "endline",
                    "stage": name,
                },
                **{"dimension": "all", "level": "all", "measure": "difference", "is_interim": False},
                **{"withheld_sites": "", "y": pool["y"], "v": pool["v"]},
                "df": pool.get("df", [20.0] * len(pool["y"])),
                "eligible": pool.get("eligible"),
            }
            for number, (name, pool) in enumerate(pools.items())
        ]
        warehouse.connection.execute("""
            create table effects.int_pools (
                pool_id bigint, analysis varchar, indicator varchar, wave varchar, stage varchar,
                dimension varchar, level varchar, measure varchar, is_interim boolean, withheld_sites varchar,
                has_comparable boolean default true,
                y double[], v double[], df double[], eligible double[]
            )
        """)
        warehouse.insert("effects.int_pools", rows)
        warehouse.build("int_reml", "int_pooled_effects")
        return warehouse.rows("from effects.int_pooled_effects").set_index(["stage", "estimator"])

    return built


def test_reml_hartung_knapp_and_prediction_intervals_equal_metafor(pooled, reference):
    cases = {name: case for name, case in reference("pooling").items() if "input" in case}
    rows = pooled(
        {name: {"y": case["input"]["yi"], "v": case["input"]["vi"]} for name, case in cases.items()}
    )
    assert len(cases) == 18
    for name, case in cases.items():
        wald, hksj, truncated = (
            rows.loc[(name, f"reml_{kind}")] for kind in ("wald", "hksj", "hksj_truncated")
        )
        expected, adjusted = case["expected"], case["expected"]["hksj"]
        found = {
            **{
                "tau2": wald.tau2,
                "mu": wald.estimate,
                "se": wald.estimate_se,
                "Q": wald.q,
                "k": wald.site_count,
            },
            **{"I2_higgins_Q": wald.i2_q_pct, "I2_tau2_based": wald.i2_tau2_pct},
            "ci": [wald.estimate_low, wald.estimate_high],
            "pi_hts_t_km2": [wald.prediction_hts_low, wald.prediction_hts_high],
        }
        known = expected | {"k": case["k"]}
        for key, value in found.items():
            assert value == pytest.approx(known[key], rel=1e-9, abs=1e-12), (name, key)
        assert [hksj.estimate_se, hksj.df, hksj.estimate_low, hksj.estimate_high] == pytest.approx(
            [adjusted["se"], adjusted["df"], *adjusted["ci"]], rel=1e-9, abs=1e-12
        ), name
        assert [truncated.estimate_low, truncated.estimate_high] == pytest.approx(
            adjusted["ci_adhoc_q_ge_1"], rel=1e-9, abs=1e-12
        ), name
        assert [hksj.prediction_hts_low, hksj.prediction_hts_high] == pytest.approx(
            adjusted["pi_hts_t_km2"], rel=1e-9, abs=1e-12
        ), name


SITES = {
    "y": [1.0, 2.0, 6.0],
    "v": [0.1, 0.2, 0.4],
    "df": [5.0, 8.0, 11.0],
    "eligible": [100.0, 300.0, 600.0],
}


def test_these_sites_have_no_tau2_and_satterthwaite_degrees_of_freedom(pooled):
    rows = pooled({"pilot": SITES}).loc["pilot"]
    equal, weighted = rows.loc["equal_mean"], rows.loc["eligible_weighted_mean"]
    assert equal.estimate == pytest.approx(3)
    assert equal.estimate_se == pytest.approx(sqrt(0.7) / 3)
    assert equal.df == pytest.approx(0.7**2 / (0.01 / 5 + 0.04 / 8 + 0.16 / 11))
    parts = [0.01 * 0.1, 0.09 * 0.2, 0.36 * 0.4]
    assert weighted.estimate == pytest.approx(0.1 * 1 + 0.3 * 2 + 0.6 * 6)
    assert weighted.estimate_se == pytest.approx(sqrt(sum(parts)))
    assert weighted.df == pytest.approx(
        sum(parts) ** 2 / sum(p**2 / d for p, d in zip(parts, SITES["df"], strict=True))
    )
    assert weighted.largest_weight_pct == pytest.approx(60)
    assert equal.tau2 is None or pd.isna(equal.tau2)
    assert rows.loc["reml_wald"].df == inf


@pytest.mark.parametrize(
    ("analysis", "sites", "headline"),
    [
        ({}, 3, "reml_hksj_truncated"),
        ({}, 2, "equal_mean"),
        ({"inference": "these_sites"}, 3, "equal_mean"),
        ({"inference": "these_sites", "unit": "person_weighted"}, 3, "eligible_weighted_mean"),
        ({"role": "cross_check"}, 3, None),
    ],
)
def test_one_estimator_is_the_headline_and_the_analysis_says_which(pooled, analysis, sites, headline):
    rows = pooled({"pilot": {key: values[:sites] for key, values in SITES.items()}}, analysis).loc["pilot"]
    assert rows.index[rows.is_headline].tolist() == ([headline] if headline else [])
    assert len(rows) == 5


def test_two_sites_claim_nothing_of_a_population(pooled):
    rows = pooled({"pilot": {key: values[:2] for key, values in SITES.items()}}).loc["pilot"]
    population = rows[rows.inference == "population_of_sites"]
    assert population.estimate.isna().all()
    assert set(population.why_missing) == {"fewer than three sites: only these sites are claimed"}


def test_an_unknown_number_of_eligible_people_leaves_their_weighting_empty_with_its_reason(pooled):
    rows = pooled({"pilot": SITES | {"eligible": None}}).loc["pilot"]
    assert pd.isna(rows.loc["eligible_weighted_mean"].estimate)
    assert "not registered" in rows.loc["eligible_weighted_mean"].why_missing


def test_an_interval_whose_weights_rest_on_few_clusters_carries_its_label(pooled):
    many = {"y": [float(i % 3) for i in range(12)], "v": [0.1] * 12}
    rows = pooled({"few": many | {"df": [6.0] * 12}, "enough": many | {"df": [17.0] * 12}})
    assert "few clusters" in rows.loc[("few", "reml_hksj_truncated")].interval_note
    assert rows.loc["enough"].interval_note.isna().all()
    assert pd.isna(rows.loc[("few", "equal_mean")].interval_note)
