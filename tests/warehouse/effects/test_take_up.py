"""The effect on those who took the treatment up equals two-stage least squares; a weak one claims nothing."""

import numpy as np
import pandas as pd
import pytest

MODELS = ("moments", "fits", "int_site_effects")
INDICATORS = [{"indicator": "score"}, {"indicator": "attended", "statistic": "share", "resolution": 100}]
TOT = "from effects.int_site_effects where measure = 'treatment_on_treated' and indicator = 'score'"


def trial(seed: int, controls: float = 0.1, treated: float = 0.7, size: int = 160) -> pd.DataFrame:
    """People of clusters with one arm or two, of whom some take the treatment up."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 14, size)
    arm = np.where(cluster < 8, cluster % 2, rng.integers(0, 2, size))
    taken = rng.random(size) < np.where(arm == 1, treated, controls)
    return pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in range(size)],
            "site": "here",
            "arm": np.where(arm == 1, "treatment", "control"),
            "cluster_id": cluster.astype(str),
            "taken": taken.astype(int),
            "score": np.rint(500 + 4 * cluster + 30 * taken + rng.normal(0, 20, size)).astype(int),
        }
    )


def warehouse_of(
    effects_warehouse, units: pd.DataFrame, known: pd.Series | None = None, design="cluster_rct"
):
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"}, INDICATORS, [{"take_up": "attended"}])
    warehouse.connection.execute("update registry.sites set design = ?", [design])
    columns = units.columns.drop(["taken", "score"])
    told = units if known is None else units[known]
    warehouse.units(
        pd.concat(
            [
                units[columns].assign(indicator="score", value_steps=units.score),
                told[columns].assign(indicator="attended", value_steps=told.taken),
            ]
        )
    )
    warehouse.build(*MODELS)
    return warehouse


def two_stages(units: pd.DataFrame, cluster: pd.Series) -> tuple[float, float, float, float]:
    """Take-up's effect by instrumental variables from n x n matrices, with CR2 over the first stage.

    Returns: effect, CR2 standard error, Bell-McCaffrey degrees of freedom, the first stage's difference.
    """
    z = np.column_stack([(units.arm == "treatment").to_numpy(float), np.ones(len(units))])
    y, d = units.score.to_numpy(float), units.taken.to_numpy(float)
    bread = np.linalg.inv(z.T @ z)
    first = (bread @ z.T @ d)[0]
    tau = (bread @ z.T @ y)[0] / first
    hat = np.eye(len(y)) - z @ bread @ z.T
    residuals = y - tau * d
    residuals = residuals - residuals.mean()
    columns, variance = [], 0.0
    for name in pd.unique(cluster):
        rows = np.flatnonzero(cluster == name)
        values, vectors = np.linalg.eigh(hat[np.ix_(rows, rows)])
        inverse = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -0.5, 0)
        weights = (vectors * inverse) @ vectors.T @ z[rows] @ bread[:, 0]
        variance += (weights @ residuals[rows]) ** 2
        columns.append(hat[:, rows] @ weights)
    gram = np.array(columns) @ np.array(columns).T
    return tau, variance**0.5 / abs(first), np.trace(gram) ** 2 / (gram**2).sum(), first


@pytest.mark.parametrize(("design", "error"), [("cluster_rct", "cr2"), ("rct", "hc2")])
def test_the_wald_ratio_equals_two_stage_least_squares(effects_warehouse, design, error):
    units = trial(1)
    if design == "rct":
        units = units.drop(columns="cluster_id")
    row = warehouse_of(effects_warehouse, units, design=design).rows(TOT).iloc[0]
    expected = two_stages(units, units.cluster_id if design == "cluster_rct" else units.unit_key)
    assert [row.estimate, row.estimate_se, row.df] == pytest.approx(expected[:3], rel=1e-9)
    assert row.estimator == f"wald_cace_{error}"
    shares = 100 * units.groupby("arm").taken.mean()
    assert [row.take_up_treatment_pct, row.take_up_control_pct] == pytest.approx(
        [shares["treatment"], shares["control"]]
    )
    assert not row.is_headline


def test_where_no_control_took_it_up_it_is_the_effect_on_the_treated(effects_warehouse):
    row = warehouse_of(effects_warehouse, trial(2, controls=0.0)).rows(TOT).iloc[0]
    assert (row.estimator, row.take_up_control_pct, row.state) == ("wald_tot_cr2", 0, "estimated")


def test_where_everyone_took_up_what_was_assigned_it_is_the_effect_of_assignment(effects_warehouse):
    warehouse = warehouse_of(effects_warehouse, trial(3, controls=0.0, treated=1.1))
    taken = warehouse.rows(TOT).iloc[0]
    assigned = warehouse.rows(
        "from effects.int_site_effects where measure = 'difference' and indicator = 'score' and is_own"
    ).iloc[0]
    columns = ["estimate", "estimate_se", "df"]
    assert taken[columns].to_list() == pytest.approx(assigned[columns].to_list(), rel=1e-9)


def test_a_weak_take_up_keeps_its_estimate_and_claims_no_interval(effects_warehouse):
    units = trial(4, controls=0.4, treated=0.45)
    row = warehouse_of(effects_warehouse, units).rows(TOT).iloc[0]
    assert row.estimate == pytest.approx(two_stages(units, units.cluster_id)[0], rel=1e-9)
    assert row.state == "weak_take_up"
    assert pd.isna([row.estimate_se, row.df, row.estimate_low, row.p_value]).all()
    assert "first-stage F below 10" in row.why_missing


def test_where_nobody_took_anything_up_there_is_no_ratio(effects_warehouse):
    row = warehouse_of(effects_warehouse, trial(5).assign(taken=0)).rows(TOT).iloc[0]
    assert (row.state, pd.isna(row.estimate)) == ("not_estimable", True)


def test_people_whose_take_up_is_not_known_are_left_out_of_both_stages(effects_warehouse):
    units = trial(6)
    known = pd.Series(np.random.default_rng(6).random(len(units)) < 0.8)
    row = warehouse_of(effects_warehouse, units, known).rows(TOT).iloc[0]
    expected = two_stages(units[known], units.cluster_id[known])
    assert [row.estimate, row.estimate_se, row.df] == pytest.approx(expected[:3], rel=1e-9)
    alone = warehouse_of(effects_warehouse, units.drop(columns="cluster_id"), known, "rct").rows(TOT).iloc[0]
    assert alone.estimate == pytest.approx(expected[0], rel=1e-9)
    assert (alone.state, alone.why_missing) == (
        "no_standard_error",
        "take-up is not known of everyone measured",
    )
