"""A ratio is a sum over a sum: effect and error are those of the linearised ratio, weighted, in blocks."""

import numpy as np
import pandas as pd
import pytest


def units(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(12), 8)
    return pd.DataFrame({"unit_key": [f"u{i}" for i in range(96)], "site": "here"}).assign(
        cluster_id=[f"c{c:02d}" for c in cluster],
        block_id=np.where(cluster < 6, "north", "south"),
        arm=np.where(cluster % 2, "treatment", "control"),
        weight=rng.choice([1.0, 2.5, 4.0], 96),
        value_steps=rng.integers(0, 400, 96),
        exposure_steps=rng.integers(1, 30, 96) * 1_000_000,
    )


def linearised(rows: pd.DataFrame) -> float:
    """Treatment minus control of weighted sums over sums, with a fixed effect for each block."""
    exposure = rows.exposure_steps / 1e6
    mass = rows.weight * exposure
    dummies = pd.get_dummies(rows.block_id).to_numpy(float)
    x = np.column_stack([rows.arm == "treatment", dummies]).astype(float)
    y = rows.value_steps / exposure
    root = np.sqrt(mass.to_numpy(float))
    return float(np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0][0])


@pytest.fixture(scope="module")
def effects(effects_warehouse):
    """Site effects of the same people, by statistic."""

    def built(statistic: str) -> pd.DataFrame:
        warehouse = effects_warehouse()
        warehouse.programme({"here": "pilot"}, [{"statistic": statistic}])
        warehouse.units(units(3))
        warehouse.build("moments", "fits", "int_site_effects")
        return warehouse.rows("from effects.int_site_effects order by measure, estimator")

    return {statistic: built(statistic) for statistic in ("ratio", "rate")}


def test_a_ratio_s_effect_is_that_of_weighted_least_squares_on_its_quotient(effects):
    row = effects["ratio"].query("measure == 'difference'").iloc[0]
    assert row.estimate == pytest.approx(linearised(units(3)), rel=1e-9)
    assert row.estimate_se > 0


def test_a_ratio_and_a_rate_of_the_same_sums_are_one_machinery(effects):
    columns = ["estimator", "estimate", "estimate_se", "df", "n_treatment", "n_control"]
    ratio, rate = (effects[name].query("measure == 'difference'")[columns] for name in ("ratio", "rate"))
    pd.testing.assert_frame_equal(ratio.reset_index(drop=True), rate.reset_index(drop=True), check_exact=True)
