"""Sites that compare no groups tell a change or a level, and what would have undone the pilot's effect."""

import numpy as np
import pandas as pd
import pytest

MODELS = ("moments", "fits", "effects", "changes")
STAGES = {"first": "pilot", "second": "pilot", "later": "scaled", "after": "scaled"}


def people(site: str, seed: int, size: int = 120, offset: int = 0) -> pd.DataFrame:
    """People of twelve clusters with their value before and after; the first half of the clusters treated."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 12, size)
    treated = (cluster % 2 == 0) | (site in ("later", "after"))
    before = np.rint(offset + 100 + 3 * cluster + rng.normal(0, 10, size)).astype(int)
    return pd.DataFrame(
        {
            "unit_key": [f"{site}{i}" for i in range(size)],
            "site": site,
            "arm": np.where(treated, "treatment", "control"),
            "cluster_id": [f"{site}/{c}" for c in cluster],
            "baseline_steps": pd.array(before).astype("Int64"),
            "value_steps": before + np.rint(20 * treated + rng.normal(5, 8, size)).astype(int),
        }
    )


def warehouse_of(effects_warehouse, units: pd.DataFrame, indicator: dict | None = None, change: str = ""):
    warehouse = effects_warehouse()
    warehouse.programme(STAGES, [indicator or {}])
    warehouse.connection.execute("update registry.sites set design = 'pre_post' where site = 'later'")
    warehouse.connection.execute("update registry.sites set design = 'post_only' where site = 'after'")
    warehouse.insert("registry.waves", [{"wave": "baseline", "is_baseline": True, "wave_order": 0}])
    warehouse.insert("quality.admission", [{"site": site, "wave": "baseline"} for site in STAGES])
    if change:
        warehouse.connection.execute(change)
    warehouse.units(units)
    warehouse.build(*MODELS)
    return warehouse.rows("from effects.int_site_changes").set_index("site")


@pytest.fixture(scope="module")
def everyone():
    return pd.concat([people(site, seed) for seed, site in enumerate(STAGES)], ignore_index=True)


def one_mean(values: np.ndarray, cluster: np.ndarray) -> tuple[float, float, float]:
    """Mean, CR2 standard error and Bell-McCaffrey degrees of freedom from n x n matrices."""
    n = len(values)
    hat = np.eye(n) - np.ones((n, n)) / n
    columns, variance = [], 0.0
    for name in np.unique(cluster):
        rows = np.flatnonzero(cluster == name)
        eigenvalues, vectors = np.linalg.eigh(hat[np.ix_(rows, rows)])
        weights = (vectors * eigenvalues**-0.5) @ vectors.T @ np.full(len(rows), 1 / n)
        variance += (weights @ (hat @ values)[rows]) ** 2
        columns.append(hat[:, rows] @ weights)
    gram = np.array(columns) @ np.array(columns).T
    return values.mean(), variance**0.5, np.trace(gram) ** 2 / (gram**2).sum()


def test_a_change_and_a_level_equal_clustered_means_by_full_matrices(effects_warehouse, everyone):
    rows = warehouse_of(effects_warehouse, everyone)
    later, after = (everyone[everyone.site == site] for site in ("later", "after"))
    change = (later.value_steps - later.baseline_steps).to_numpy(float)
    for row, expected in (
        (rows.loc["later"], one_mean(change, later.cluster_id.to_numpy())),
        (rows.loc["after"], one_mean(after.value_steps.to_numpy(float), after.cluster_id.to_numpy())),
    ):
        assert [row.estimate, row.estimate_se, row.df] == pytest.approx(expected, rel=1e-9)
        assert (row.state, row.n, row.cluster_count) == ("estimated", 120, 12)
    assert rows.measure.to_dict() == {"later": "change", "after": "level"}


def test_people_in_no_cluster_have_the_textbook_error_of_a_mean(effects_warehouse, everyone):
    row = warehouse_of(effects_warehouse, everyone.assign(cluster_id=None)).loc["after"]
    values = everyone[everyone.site == "after"].value_steps
    assert [row.estimate, row.estimate_se, row.df] == pytest.approx(
        [values.mean(), values.std() / len(values) ** 0.5, len(values) - 1], rel=1e-9
    )


def test_a_huge_offset_costs_no_digit(effects_warehouse, everyone):
    moved = everyone.assign(value_steps=everyone.value_steps + 10**9)
    near, far = (warehouse_of(effects_warehouse, units).loc["after"] for units in (everyone, moved))
    assert [far.estimate - 10**9, far.estimate_se, far.df] == pytest.approx(
        [near.estimate, near.estimate_se, near.df], rel=1e-6
    )
    assert far.estimate_se == pytest.approx(near.estimate_se, rel=1e-12)


@pytest.mark.parametrize("direction", ["higher_is_better", "lower_is_better"])
def test_the_breakdown_value_leaves_the_margin_of_the_pilot_s_effect(effects_warehouse, everyone, direction):
    sign = 1 if direction == "higher_is_better" else -1
    units = everyone.assign(
        value_steps=1000 + sign * everyone.value_steps, baseline_steps=1000 + sign * everyone.baseline_steps
    )
    rows = warehouse_of(effects_warehouse, units, {"direction": direction, "retention_margin": 0.4})
    row = rows.loc["later"]
    assert row.breakdown == pytest.approx(row.estimate - 0.4 * row.pilot_effect, rel=1e-12)
    assert (row.estimate - row.breakdown) / row.pilot_effect == pytest.approx(0.4)
    assert row.breakdown_se == pytest.approx(np.hypot(row.estimate_se, 0.4 * row.pilot_se), rel=1e-12)
    assert min(row.df, row.pilot_df) < row.breakdown_df < row.df + row.pilot_df
    assert pd.isna(rows.loc["after"].breakdown)
    assert rows.loc["after"].why_no_breakdown == "a level has no change to break down"


def test_a_pilot_in_the_wrong_direction_has_nothing_to_retain(effects_warehouse, everyone):
    row = warehouse_of(effects_warehouse, everyone, {"direction": "lower_is_better"}).loc["later"]
    assert pd.isna(row.breakdown)
    assert row.why_no_breakdown == "the pilot has no effect in the registered direction"


def test_without_a_baseline_or_with_one_that_was_withheld_no_change_is_told(effects_warehouse, everyone):
    blank = everyone.assign(baseline_steps=pd.array([None] * len(everyone), dtype="Int64"))
    row = warehouse_of(effects_warehouse, blank).loc["later"]
    assert (row.state, pd.isna(row.estimate)) == ("no_data", True)
    assert row.why_missing == "no unit was measured at the baseline too, or a quotient has no change"
    withheld = "delete from quality.admission where wave = 'baseline'"
    row = warehouse_of(effects_warehouse, everyone, change=withheld).loc["later"]
    assert (row.state, row.why_missing) == (
        "no_data",
        "no unit was measured, or its baseline was not admitted",
    )


def test_nobody_varies_or_one_cluster_is_all_gives_no_error(effects_warehouse, everyone):
    same = everyone.assign(value_steps=7)
    assert warehouse_of(effects_warehouse, same).loc["after"].state == "no_standard_error"
    one = everyone.assign(cluster_id="all")
    rows = warehouse_of(effects_warehouse, one)
    assert set(rows.state) == {"no_standard_error"}
    assert rows.estimate_se.isna().all()


def test_an_open_wave_tells_no_change(effects_warehouse, everyone):
    row = warehouse_of(
        effects_warehouse, everyone, change="update registry.site_waves set state = 'in_field'"
    )
    assert set(row.state) == {"interim"}
    assert row.estimate.isna().all()
