"""Quantiles of arms and their difference: by value, or interpolated in a grid; Woodruff's intervals."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

QUARTILE = {"quantile": Decimal("0.75"), "statistic": "quantile", "effect_scale": "quantile_difference"}
MEDIAN = QUARTILE | {"quantile": Decimal("0.5"), "statistic": "median"}
GRID = {"grid_low": Decimal(-40), "grid_high": Decimal(140), "grid_step": Decimal(10)}


def units(seed=4, clusters=14, size=30, blocks=1, mixed=False):
    """People in clusters of one arm each, or with both arms in each, with unequal weights."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), size)
    treated = np.arange(clusters * size) % 2 == 1 if mixed else cluster % 2 == 1
    values = rng.normal(50 + 6 * treated, 20) + rng.normal(0, 6, clusters)[cluster]
    return pd.DataFrame({"unit_key": [f"u{i:04}" for i in range(len(cluster))], "site": "here"}).assign(
        arm=np.where(treated, "treatment", "control"),
        cluster_id=[f"c{c:02}" for c in cluster],
        block_id=[f"b{c % blocks}" for c in cluster // 2],
        weight=rng.choice([1.0, 2.5, 4.0], len(cluster)),
        value_steps=np.rint(values).astype(int),
    )


def built(effects_warehouse, rows, indicator=MEDIAN, analysis=None, **options):
    warehouse = effects_warehouse(**options)
    warehouse.programme({"here": "pilot"}, [indicator], [analysis or {}])
    warehouse.units(rows)
    warehouse.build("moments", "fits", "int_site_effects")
    return warehouse


def effect(warehouse, **key):
    (row,) = warehouse.rows("from effects.int_site_effects").to_dict("records")
    return row


def inverse(values, weights, share, grid=None):
    """The quantile by definition, over people one by one."""
    if grid is None:
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order]) / weights.sum()
        return float(values[order][np.argmax(reached >= share - 1e-12)])
    low, high, step = grid
    edges = np.arange(low, high + step, step)
    at_edges = [
        weights[values < edge].sum() if edge < high else weights[values <= edge].sum() for edge in edges
    ]
    return float(np.interp(share * weights.sum(), at_edges, edges))


def woodruff(rows, p, grid=None, clustered=True):
    """Quantile, its standard error, degrees of freedom and clusters' scores of one arm."""
    values, weights = rows.value_steps.to_numpy(float), rows.weight.to_numpy(float)
    q = inverse(values, weights, p, grid)
    if grid is None:
        below = (values <= q).astype(float)
    else:
        start = np.floor((q - grid[0]) / grid[2]) * grid[2] + grid[0]
        below = np.where(values < start, 1.0, 0.0)
        within = (values >= start) & (values < start + grid[2])
        below[within] = (p * weights.sum() - weights[values < start].sum()) / weights[within].sum()
    total = weights.sum()
    share = (weights * below).sum() / total
    names = rows.cluster_id.to_numpy() if clustered else np.arange(len(rows))
    score, spent, square, trace = {}, 0.0, 0.0, 0.0
    for name in sorted(set(names)):
        is_in = names == name
        q_c = weights[is_in].sum() / total
        score[name] = (weights * (below - share))[is_in].sum() / total / np.sqrt(1 - q_c)
        d, pp = q_c / (1 - q_c), q_c**2 / (1 - q_c)
        trace, square, spent = trace + d - pp, square + d * d - 2 * d * pp, spent + pp
    se = np.sqrt(sum(z**2 for z in score.values()))
    df = trace**2 / (square + spent**2)
    t = stats.t.ppf(0.975, df)
    ends = [inverse(values, weights, p + sign * t * se, grid) for sign in (-1, 1)]
    return q, (ends[1] - ends[0]) / (2 * t), df, {name: z / se for name, z in score.items()}


def expected(rows, p, grid=None, clustered=True):
    (q1, s1, df1, z1), (q0, s0, df0, z0) = (
        woodruff(rows[rows.arm == arm], p, grid, clustered) for arm in ("treatment", "control")
    )
    r = sum(z * z0.get(name, 0) for name, z in z1.items()) if clustered else 0
    df = (s1**2 + s0**2) ** 2 / (s1**4 / df1 + s0**4 / df0)
    return q1 - q0, np.sqrt(s1**2 + s0**2 - 2 * r * s1 * s0), df


@pytest.mark.parametrize("indicator", [MEDIAN, QUARTILE], ids=["median", "quartile"])
@pytest.mark.parametrize("mixed", [False, True], ids=["clusters of one arm", "clusters of both arms"])
@pytest.mark.parametrize("grid", [None, (-40, 140, 10)], ids=["exact", "grid"])
def test_the_difference_of_quantiles_and_its_error_are_those_counted_by_hand(
    effects_warehouse, indicator, mixed, grid
):
    rows = units(mixed=mixed)
    row = effect(built(effects_warehouse, rows, indicator | (GRID if grid else {})))
    estimate, se, df = expected(rows, float(indicator["quantile"]), grid)
    assert row["estimate"] == pytest.approx(estimate, rel=1e-9)
    assert row["estimate_se"] == pytest.approx(se, rel=1e-9)
    assert row["df"] == pytest.approx(df, rel=1e-9)
    assert row["estimator"] == ("quantile_grid_woodruff" if grid else "quantile_exact_woodruff")
    assert row["measure"] == "quantile_difference" and row["is_headline"] and row["state"] == "estimated"


def test_a_grid_is_in_the_indicator_s_unit_whatever_its_resolution(effects_warehouse):
    rows = units()
    near = effect(built(effects_warehouse, rows, MEDIAN | GRID))
    fine = MEDIAN | GRID | {"resolution": Decimal("0.5")}
    far = effect(built(effects_warehouse, rows.assign(value_steps=rows.value_steps * 2), fine))
    for name in ("estimate", "estimate_se", "df"):
        assert far[name] == pytest.approx(near[name], rel=1e-9)


def test_people_without_clusters_are_their_own(effects_warehouse):
    rows = units(clusters=2, size=150).assign(weight=1.0)
    row = effect(built(effects_warehouse, rows, analysis={"clusters": "none"}))
    estimate, se, df = expected(rows, 0.5, clustered=False)
    assert (row["estimate"], row["estimate_se"], row["df"]) == pytest.approx((estimate, se, df), rel=1e-9)


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two(effects_warehouse):
    rows = units(clusters=2, size=40).assign(weight=1.0, cluster_id=None)
    warehouse = built(effects_warehouse, rows, analysis={"clusters": "none"})
    found = warehouse.rows("from effects.int_arm_quantiles").set_index("arm").value_steps
    for arm, values in rows.groupby("arm").value_steps:
        assert found[arm] == np.median(values)


def test_a_quantile_of_every_share_is_that_of_numpy(effects_warehouse):
    rows = units(clusters=2, size=101).assign(weight=1.0, cluster_id=None)
    for p in ("0.05", "0.25", "0.9"):
        warehouse = built(
            effects_warehouse, rows, QUARTILE | {"quantile": Decimal(p)}, analysis={"clusters": "none"}
        )
        found = warehouse.rows("from effects.int_arm_quantiles").set_index("arm").value_steps
        for arm, values in rows.groupby("arm").value_steps:
            assert found[arm] == np.quantile(values, float(p), method="averaged_inverted_cdf")


def test_an_offset_of_a_billion_moves_the_quantiles_and_nothing_else(effects_warehouse):
    rows = units()
    near = effect(built(effects_warehouse, rows))
    far = effect(built(effects_warehouse, rows.assign(value_steps=rows.value_steps + 10**9)))
    for name in ("estimate", "estimate_se", "df"):
        assert far[name] == pytest.approx(near[name], rel=1e-9)


@pytest.mark.parametrize(
    ("change", "indicator", "state", "words"),
    [
        ({"value_steps": 7}, MEDIAN, "no_standard_error", "nobody lies above"),
        ({"value_steps": ([7] * 19 + [8]) * 21}, MEDIAN, "no_standard_error", "are alike"),
        ({}, MEDIAN | GRID | {"grid_low": Decimal(130)}, "not_estimable", "beyond the declared grid"),
        ({}, QUARTILE | {"quantile": Decimal("0.97")}, "no_standard_error", "too few people"),
        ({"arm": "treatment"}, MEDIAN, "no_data", "one arm has no measured unit"),
        ({"cluster_id": "only"}, MEDIAN, "no_standard_error", "fewer than two clusters"),
    ],
    ids=["constant", "ties", "beyond the grid", "extreme", "empty arm", "one cluster"],
)
def test_what_has_no_error_says_why(effects_warehouse, change, indicator, state, words):
    row = effect(built(effects_warehouse, units().assign(**change), indicator))
    assert row["state"] == state and words in row["why_missing"]
    assert pd.isna(row["estimate_se"])


def test_moments_tell_no_quantile(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"}, [MEDIAN])
    warehouse.connection.execute("update registry.expected_cells set basis = 'moments'")
    sent = [
        {"site": "here", "arm": arm, "cluster_id": f"c{c}", "n": 20, "mean": 5, "sd": 2}
        for arm in ("treatment", "control")
        for c in range(4)
    ]
    numbers = {"n": Decimal(20), "mean": Decimal(5), "sd": Decimal(2)}
    warehouse.insert("staging.stg_moments", [row | numbers for row in sent])
    warehouse.build("moments", "fits", "int_site_effects")
    row = effect(warehouse)
    assert row["state"] == "not_estimable" and row["why_missing"].startswith("needs rows")


def test_a_network_as_one_trial_has_quantiles_over_all_its_sites(effects_warehouse):
    rows = units()
    rows["site"] = np.where(rows.cluster_id < "c07", "here", "there")
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot", "there": "pilot"}, [MEDIAN], [{"level": "network"}])
    warehouse.units(rows)
    warehouse.build("moments", "fits", "int_site_effects")
    row = effect(warehouse)
    estimate, se, _ = expected(rows.assign(cluster_id=rows.site + "|" + rows.cluster_id), 0.5)
    assert (row["estimate"], row["estimate_se"]) == pytest.approx((estimate, se), rel=1e-9)


def test_blocks_are_told_not_to_be_removed(effects_warehouse):
    row = effect(built(effects_warehouse, units(blocks=2)))
    assert "blocks are not removed" in row["adjustment_note"]


def test_a_comparison_has_no_difference_in_differences_of_quantiles(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"}, [MEDIAN])
    warehouse.connection.execute("update registry.sites set design = 'comparison'")
    warehouse.build("moments", "fits", "int_site_effects")
    row = effect(warehouse)
    assert row["state"] == "not_identified" and "quantiles" in row["why_missing"]


def test_one_and_two_threads_give_the_same_bytes(effects_warehouse):
    def table(threads):
        warehouse = built(effects_warehouse, units(mixed=True), threads=threads)
        return warehouse.rows("from effects.int_site_effects")

    pd.testing.assert_frame_equal(table(1), table(2), check_exact=True)
