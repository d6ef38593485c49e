"""Differences between subgroups equal the interaction of one regression, even where levels share clusters."""

from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import pytest
from scipy import stats

MODELS = ("moments", "fits", "effects", "int_subgroup_tests")
TESTS = "from effects.int_subgroup_tests"


def trial(
    levels: int, seed: int = 1, site: str = "here", size: int = 180, is_clustered: bool = True
) -> pd.DataFrame:
    """Clusters of people of both arms or one, in two blocks; every cluster holds several levels."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 8, size)
    block = rng.integers(0, 2, size)
    treated = np.where(cluster < 5, cluster % 2, rng.integers(0, 2, size))
    level = rng.integers(0, levels, size)
    y = 100 + 8 * treated + 6 * treated * level + 5 * cluster + rng.normal(0, 10, size)
    units = pd.DataFrame(
        {
            "unit_key": [f"{site}{i}" for i in range(size)],
            "site": site,
            "arm": np.where(treated == 1, "treatment", "control"),
            "block_id": block.astype(str),
            "cluster_id": [f"{b}/{c}" for b, c in zip(block, cluster, strict=True)],
            "group": [f"level_{number}" for number in level],
            "value_steps": np.rint(y).astype(int),
        }
    )
    return units if is_clustered else units.drop(columns="cluster_id")


def warehouse_of(effects_warehouse, *sites: pd.DataFrame, threads: int = 2, design: str = "cluster_rct"):
    warehouse = effects_warehouse(threads)
    warehouse.programme({units.site.iloc[0]: "pilot" for units in sites})
    warehouse.connection.execute("update registry.sites set design = ?", [design])
    warehouse.insert("registry.indicator_subgroups", [{"indicator": "score", "dimension": "age"}])
    everyone = pd.concat(sites, ignore_index=True)
    groups = everyone[["unit_key", "group"]].rename(columns={"group": "level"})
    warehouse.insert(
        "frame.int_subgroups", groups.assign(round="randomised", dimension="age").to_dict("records")
    )
    warehouse.units(everyone.drop(columns="group"))
    warehouse.build(*MODELS)
    return warehouse


def interactions(units: pd.DataFrame, cluster: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each level's effect minus the first level's, by one regression with full matrices.

    Returns: the differences, their CR2 covariance, and the Bell-McCaffrey degrees of freedom of each.
    """
    levels = sorted(units.group.unique())
    treated = (units.arm == "treatment").to_numpy(float)
    effects = np.column_stack([treated * (units.group == level) for level in levels])
    intercepts = pd.get_dummies(units.group + units.block_id).to_numpy(float)
    x = np.column_stack([effects, intercepts])
    bread = np.linalg.inv(x.T @ x)
    hat = np.eye(len(x)) - x @ bread @ x.T
    y = units.value_steps.to_numpy(float)
    residuals = hat @ y
    contrast = np.zeros((len(levels) - 1, x.shape[1]))
    for number in range(len(levels) - 1):
        contrast[number, [0, number + 1]] = -1, 1
    scores, columns = [], []
    for name in pd.unique(cluster):
        rows = np.flatnonzero(cluster == name)
        values, vectors = np.linalg.eigh(hat[np.ix_(rows, rows)])
        inverse = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -0.5, 0)
        weights = (vectors * inverse) @ vectors.T @ x[rows] @ bread @ contrast.T
        scores.append(weights.T @ residuals[rows])
        columns.append(hat[:, rows] @ weights)
    scores = np.array(scores)
    dfs = []
    for number in range(len(contrast)):
        gram = np.array([column[:, number] for column in columns])
        gram = gram @ gram.T
        dfs.append(np.trace(gram) ** 2 / (gram**2).sum())
    return contrast @ bread @ x.T @ y, scores.T @ scores, np.array(dfs)


@pytest.mark.parametrize("is_clustered", [True, False])
def test_two_levels_differ_by_the_interaction_of_one_clustered_regression(effects_warehouse, is_clustered):
    units = trial(2, is_clustered=is_clustered)
    design = "cluster_rct" if is_clustered else "rct"
    row = warehouse_of(effects_warehouse, units, design=design).rows(f"{TESTS} where site = 'here'").iloc[0]
    difference, covariance, df = interactions(units, units.cluster_id if is_clustered else units.unit_key)
    assert [row.estimate, row.estimate_se, row.df] == pytest.approx(
        [difference[0], covariance[0, 0] ** 0.5, df[0]], rel=1e-9
    )
    assert (row.level, row.family_count) == ("level_1 minus level_0", 1)
    assert row.p_value == row.p_holm == row.p_bh


def test_three_levels_have_one_joint_test_and_their_differences_from_the_first(effects_warehouse):
    units = trial(3, seed=2, size=400)
    rows = warehouse_of(effects_warehouse, units).rows(f"{TESTS} where site = 'here'").set_index("level")
    difference, covariance, df = interactions(units, units.cluster_id)
    pairs = rows.loc[["level_1 minus level_0", "level_2 minus level_0"]]
    assert pairs.estimate.to_list() == pytest.approx(difference, rel=1e-9)
    assert (pairs.estimate_se**2).to_list() == pytest.approx(np.diag(covariance), rel=1e-9)
    assert pairs.df.to_list() == pytest.approx(df, rel=1e-9)
    assert pairs.p_holm.isna().all()
    joint, eta = rows.loc["any"], df.min()
    wald = difference @ np.linalg.inv(covariance) @ difference
    assert [joint.test_f, joint.test_df1, joint.test_df2] == pytest.approx(
        [wald * (eta - 1) / (2 * eta), 2, eta - 1], rel=1e-9
    )
    assert 0 < joint.p_value == joint.p_holm


def test_interactions_are_pooled_over_sites_by_the_headline_s_estimator(effects_warehouse):
    sites = [trial(2, seed=seed, site=f"s{seed}") for seed in range(4)]
    warehouse = warehouse_of(effects_warehouse, *sites)
    pooled = warehouse.rows(f"{TESTS} where site = '*' and stage = 'pilot'")
    assert pooled.estimator.to_list() == ["reml_hksj_truncated"]
    means = warehouse.rows(f"{TESTS} where site <> '*'")
    assert means.estimate.min() < pooled.estimate[0] < means.estimate.max()


def test_a_level_without_an_effect_leaves_a_reason(effects_warehouse):
    units = trial(2)
    units = units[(units.group == "level_0") | (units.arm == "control")]
    row = warehouse_of(effects_warehouse, units).rows(f"{TESTS} where site = 'here'").iloc[0]
    assert row.why_missing == "a level has no effect: not both arms in one block"
    assert pd.isna([row.estimate, row.p_value, row.p_holm]).all()


def test_tests_are_the_same_to_the_byte_with_one_thread_and_two(effects_warehouse):
    sites = [trial(3, seed=seed, site=f"s{seed}", size=300) for seed in range(3)]
    one, two = (
        warehouse_of(effects_warehouse, *sites, threads=threads).connection.execute(TESTS).fetchall()
        for threads in (1, 2)
    )
    assert repr(one) == repr(two)


@pytest.mark.parametrize("seed", range(3))
def test_adjusted_p_values_are_those_of_holm_and_of_benjamini_and_hochberg(effects_warehouse, seed):
    p = np.random.default_rng(seed).choice([0.001, 0.01, 0.02, 0.03, 0.2, 0.9], 9)
    steps = np.maximum.accumulate(np.sort(p) * np.arange(9, 0, -1))
    holm = np.minimum(1, [steps[np.searchsorted(np.sort(p), value)] for value in p])
    warehouse = effects_warehouse()
    for name, expected in (("holm", holm), ("benjamini_hochberg", stats.false_discovery_control(p))):
        found = warehouse.connection.execute(
            f"select {adjusted(name)} from (select unnest(?) as p_value, ? as family)", [list(p), list(p)]
        ).fetchall()
        assert [value for (value,) in found] == pytest.approx(expected, rel=1e-12), name


def adjusted(name: str) -> str:
    """The macro's SQL over p_value and family, as the models compile it."""
    source = Path(__file__).parents[3] / "dbt_project/macros/multiplicity.sql"
    macros = jinja2.Environment().from_string(source.read_text()).make_module()
    return str(getattr(macros, name)("p_value", "family"))
