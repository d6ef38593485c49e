"""Retention by every estimator under its own name, and the pilot as its sites' effects are drawn together."""

import json
from math import inf

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

PILOT = ([0.9, 0.4, 0.7, 1.2, 0.3, 0.8], [0.02, 0.05, 0.03, 0.08, 0.04, 0.01])
SCALED = ([0.5, 0.2, 0.6, 0.1], [0.03, 0.02, 0.05, 0.01])
ELIGIBLE = [100.0, 900.0, 250.0, 400.0, 50.0, 700.0]


@pytest.fixture
def staged(effects_warehouse, insert_pools):
    """Builds from two pools by hand (y, v) to the retention of every estimator."""

    def build(pilot, scaled, analysis: dict | None = None, eligible: list[float] = ELIGIBLE, **indicator):
        warehouse = effects_warehouse()
        warehouse.insert("registry.waves", [{}])
        warehouse.insert("registry.indicators", [indicator])
        warehouse.insert("registry.analyses", [analysis or {}])
        sizes = {"pilot": len(pilot[0]), "scaled": len(scaled[0])}
        names = {stage: [f"{stage}_{i}" for i in range(size)] for stage, size in sizes.items()}
        warehouse.insert(
            "registry.sites",
            [
                {"site": name, "eligible_count": eligible[i] if stage == "pilot" else 100}
                for stage, listed in names.items()
                for i, name in enumerate(listed)
            ],
        )
        weights = {"pilot": [float(one) for one in eligible[: sizes["pilot"]]]}
        weights["scaled"] = [100.0] * sizes["scaled"]
        insert_pools(
            warehouse,
            {
                stage: {"y": y, "v": v, "sites": names[stage], "eligible": weights[stage]}
                for stage, (y, v) in (("pilot", pilot), ("scaled", scaled))
            },
        )
        sites = pd.DataFrame(
            [
                {"analysis": "main", "indicator": "score", "wave": "endline", "site": name, "stage": stage}
                | {
                    "pool": stage,
                    "state": "included",
                    "design_group": "randomised",
                    "look": None,
                    "basis": "rows",
                }
                for stage, listed in names.items()
                for name in listed
            ]
        ).astype({"look": "Int32"})
        warehouse.connection.register("frame_rows", sites)
        warehouse.connection.execute("create table effects.int_analysis_sites as from frame_rows")
        warehouse.connection.execute("""
            create table effects.int_site_effects (
                analysis varchar, indicator varchar, wave varchar, stage varchar, site varchar,
                measure varchar, dimension varchar, n_treatment bigint, n_control bigint, basis varchar,
                estimate double, estimate_se double, df double, is_own boolean, sd_control double,
                is_headline boolean
            )
        """)
        warehouse.build("int_looks", "pools", "retention")
        return warehouse

    return build


def by_estimator(warehouse) -> pd.DataFrame:
    return warehouse.rows("from effects.int_retention_by_estimator").set_index("estimator")


def test_each_estimator_stands_on_both_sides_under_its_own_name(staged):
    warehouse = staged(PILOT, SCALED)
    rows = by_estimator(warehouse)
    pools = warehouse.rows("from effects.int_pooled_effects").set_index(["stage", "estimator"])
    assert set(rows.index) == {estimator for _, estimator in pools.index}
    for name, row in rows.iterrows():
        for side in ("pilot", "scaled"):
            pool = pools.loc[(side, name)]
            assert (row[f"{side}_estimate"], row[f"{side}_se"], row[f"{side}_df"]) == (
                pool.estimate,
                pool.estimate_se,
                pool.df,
            )
            assert row[f"{side}_high"] == pytest.approx(pool.estimate_high, rel=1e-12)
        assert row.ratio == pytest.approx(row.scaled_estimate / row.pilot_estimate, rel=1e-12)
        assert row.change_se == pytest.approx(np.hypot(row.pilot_se, row.scaled_se), rel=1e-12)
        assert row.retention_df == min(row.pilot_df, row.scaled_df)
    assert rows.why_missing.isna().all() and rows.note.isna().all()


def test_the_headline_s_own_row_has_the_headline_s_numbers_and_no_verdict_beside_it(staged):
    warehouse = staged(PILOT, SCALED)
    rows = by_estimator(warehouse)
    (headline,) = warehouse.rows("from effects.int_effect_retention").to_dict("records")
    assert rows.index[rows.is_headline].tolist() == [headline["estimator"]] == ["reml_hksj_truncated"]
    own = rows.loc[headline["estimator"]]
    shared = [name for name in rows.columns if name in headline and not name.startswith("why")]
    assert len(shared) > 60
    for name in shared:
        assert own[name] == headline[name] or (pd.isna(own[name]) and pd.isna(headline[name])), name
    assert not [name for name in rows if "verdict" in name and name != "change_verdict"]


def test_wald_rows_are_the_reference_by_normal_quantiles(staged, shared):
    cases = json.loads((shared / "reference/meta_analysis.json").read_text())["analyses"]
    known = {case["id"]: case for case in cases}
    sides = [known[f"landenberger_{name}"]["input"] for name in ("pilot_research_plus_demo", "practice")]
    lists = [(one["yi"], one["vi"]) for one in sides]
    row = by_estimator(staged(*lists, eligible=[1.0] * len(lists[0][0]))).loc["reml_wald"]
    (case,) = (
        case
        for case in json.loads((shared / "reference/retention.json").read_text())["cases"]
        if case["id"].startswith("landenberger/pilot")
    )
    expected = case["expected"]
    for suffix in ("", "_normal"):
        found = [row[f"retention_low{suffix}"], row[f"retention_high{suffix}"]]
        assert found == pytest.approx(expected["fieller"]["ci"], rel=1e-9)
        found = [row[f"ratio_low_log{suffix}"], row[f"ratio_high_log{suffix}"]]
        assert found == pytest.approx(expected["log_ratio"]["ci_ratio"], rel=1e-9)
    assert row.p_change_normal == pytest.approx(expected["p_difference"], rel=1e-9)


def test_a_stage_of_one_site_stands_by_its_own_effect_and_says_so(staged):
    rows = by_estimator(staged(([0.9], [0.02]), SCALED))
    assert rows.pilot_estimate.dropna().tolist() == [0.9] * len(rows)
    assert rows.pilot_se.to_numpy() == pytest.approx(0.02**0.5)
    assert rows.loc["reml_wald", "pilot_df"] == inf
    assert rows.loc["reml_hksj", "pilot_df"] == 20.0, "the site's own degrees of freedom"
    assert rows.loc["reml_hksj", "retention_df"] == 3
    assert "one site" in rows.loc["reml_wald", "note"]
    assert pd.isna(rows.loc["equal_mean", "note"]) and rows.loc["equal_mean", "is_headline"]


def test_two_sites_say_nothing_of_a_population_and_the_row_says_why(staged):
    rows = by_estimator(staged(([0.9, 0.8], [0.02, 0.03]), SCALED))
    assert rows.loc["fixed_wald", "retention_set"] == "bounded"
    missing = rows.loc["reml_wald"]
    assert (missing.retention_set, pd.isna(missing.ratio)) == ("not_applicable", True)
    assert "fewer than three sites" in missing.why_missing


def reml(y: np.ndarray, v: np.ndarray) -> tuple[float, float, float]:
    """tau2, mean and standard error by the restricted likelihood, its derivative set to 0."""

    def slope(tau2: float) -> float:
        w = 1 / (v + tau2)
        mu = (w * y).sum() / w.sum()
        return float(-w.sum() + (w**2).sum() / w.sum() + (w**2 * (y - mu) ** 2).sum())

    tau2 = 0.0 if slope(0.0) <= 0 else optimize.brentq(slope, 0, 100, xtol=1e-16, rtol=1e-15)
    w = 1 / (v + tau2)
    return tau2, (w * y).sum() / w.sum(), w.sum() ** -0.5


@pytest.mark.parametrize("unit", ["site_mean", "person_weighted"])
@pytest.mark.parametrize("spread", [1.0, 0.05])
def test_the_pilot_drawn_together_is_the_weighted_mean_of_its_shrunken_sites(staged, unit, spread):
    y, v = np.array(PILOT[0]) * spread + 0.5, np.array(PILOT[1])
    warehouse = staged((y.tolist(), v.tolist()), SCALED, {"unit": unit})
    (row,) = warehouse.rows("from effects.int_effect_retention").itertuples()
    tau2, mu, se = reml(y, v)
    assert (tau2 == 0) == (spread < 1)
    p = np.array(ELIGIBLE) if unit == "person_weighted" else np.ones(len(y))
    p, b = p / p.sum(), v / (v + tau2)
    mean = (p * (b * mu + (1 - b) * y)).sum()
    error = np.sqrt((p**2 * tau2 * b).sum() + ((p * b).sum() * se) ** 2)
    assert row.pilot_eb_tau2 == pytest.approx(tau2, rel=1e-9, abs=1e-12)
    assert (row.pilot_eb_estimate, row.pilot_eb_se) == pytest.approx((mean, error), rel=1e-9)
    assert row.pilot_eb_shrinkage_pct == pytest.approx(100 * (p * b).sum(), rel=1e-9)
    high = mean + stats.t.ppf(0.975, 5) * error
    assert (row.pilot_eb_df, row.pilot_eb_high) == (5, pytest.approx(high, rel=1e-9))
    assert row.retention_eb == pytest.approx(row.scaled_estimate / mean, rel=1e-9)
    q = stats.t.ppf(0.975, min(5, row.scaled_df))
    scaled, sb = row.scaled_estimate, row.scaled_se
    roots = np.roots([mean**2 - (q * error) ** 2, -2 * mean * scaled, scaled**2 - (q * sb) ** 2])
    assert [row.retention_eb_low, row.retention_eb_high] == pytest.approx(sorted(roots), rel=1e-9)
    assert pd.isna(row.why_not_eb)
    if unit == "site_mean":
        assert row.pilot_eb_estimate == pytest.approx(mu, rel=1e-9), (
            "luck between sites cancels in their mean"
        )


def test_where_fewer_is_better_the_drawn_pilot_keeps_its_own_sign(staged):
    y, v = PILOT
    (row,) = (
        staged(
            ([-one for one in y], v), ([-one for one in SCALED[0]], SCALED[1]), direction="lower_is_better"
        )
        .rows("from effects.int_effect_retention")
        .itertuples()
    )
    assert row.pilot_eb_estimate == pytest.approx(row.pilot_estimate, rel=1e-9)
    assert row.retention_eb == pytest.approx(row.retention, rel=1e-9) and row.retention_eb > 0


@pytest.mark.parametrize(("count", "words"), [(4, "there are 4"), (1, "there is 1"), (5, None)])
def test_empirical_bayes_asks_for_five_pilots_and_says_how_many_there_are(staged, count, words):
    pilot = (PILOT[0][:count], PILOT[1][:count])
    (row,) = staged(pilot, SCALED).rows("from effects.int_effect_retention").to_dict("records")
    if words is None:
        assert pd.isna(row["why_not_eb"]) and row["pilot_eb_estimate"] > 0
    else:
        assert words in row["why_not_eb"] and "five exchangeable pilots" in row["why_not_eb"]
        numbers = [name for name in row if "_eb" in name and name != "why_not_eb"]
        assert len(numbers) == 11
        assert all(pd.isna(row[name]) for name in numbers)


def test_a_weak_drawn_pilot_has_no_retention_but_says_its_set_is_unbounded(staged):
    weak = ([0.9, -0.4, 0.3, -0.8, 0.2], [0.5] * 5)
    (row,) = staged(weak, SCALED).rows("from effects.int_effect_retention").itertuples()
    assert row.retention_eb_set == "not_estimable"
    assert pd.isna(row.retention_eb) and pd.isna(row.retention_eb_low) and not pd.isna(row.pilot_eb_estimate)
