"""Balance at baseline: the reference's differences, and the joint test against every draw of the lot."""

import itertools
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

BY_UNITS = "update registry.sites set design = 'rct'"
WAVES = ("baseline", "endline")
SCORE = {"indicator": "score"}
SHARE = {"indicator": "reads", "statistic": "share", "effect_scale": "risk_difference", "resolution": 100}
OTHER = {"indicator": "height", "indicator_order": 2}


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def told_at_baseline(frame: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """One row for each person and indicator known at baseline."""
    rows = [
        frame.assign(indicator=name, wave="baseline", value_steps=pd.array(column, dtype="Int64"))
        for name, column in values.items()
    ]
    return pd.concat(rows).dropna(subset=["value_steps"])


def build(
    built: Any, rows: pd.DataFrame, frame: pd.DataFrame, indicators: list[dict[str, Any]], change: str
) -> Any:
    """The frame's people all stand in the frame, known at baseline or not."""
    absent = frame[~frame.unit_key.isin(rows.unit_key)].assign(
        indicator=indicators[0]["indicator"], wave="endline"
    )
    everybody = pd.concat([rows, absent.assign(value_steps=pd.array([None] * len(absent), dtype="Int64"))])
    everybody = everybody.assign(baseline_steps=pd.array([None] * len(everybody), dtype="Int64"))
    return built(everybody, indicators=indicators, waves=WAVES, change=change)


def lots(n: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"unit_key": f"{arm}{i}", "site": "a", "arm": arm} for arm, count in n.items() for i in range(count)]
    )


def test_differences_are_those_of_the_reference(built: Any, shared: Any) -> None:
    cases = json.loads((shared / "reference/attrition_balance.json").read_text())["balance"]
    for name in ("free_lunch", "female", "black"):
        case = cases[name]
        frame = lots({"treatment": case["n1"], "control": case["n0"]})
        yes = {"treatment": round(case["mean1"] * case["n1"]), "control": round(case["mean0"] * case["n0"])}
        place = frame.groupby("arm").cumcount()
        rows = told_at_baseline(frame, reads=(place < frame.arm.map(yes)).astype(int))
        warehouse = build(built, rows, frame, [SHARE], BY_UNITS)
        found = warehouse.rows("from validity.int_baseline_balance where site = 'a'").iloc[0]
        assert found.smd == close(case["smd"])
        assert (found.n_treatment, found.n_control) == (case["n1"], case["n0"])
        assert pd.isna(found.variance_ratio) and found.band == "alike"


def test_measured_covariates_have_the_variances_of_samples_at_any_offset(built: Any) -> None:
    rng = np.random.default_rng(9)
    frame = lots({"treatment": 61, "control": 83})
    score = rng.integers(0, 9, len(frame)) + (frame.arm == "treatment") * 2
    rows = told_at_baseline(frame, score=score + 10**9)
    found = build(built, rows, frame, [SCORE], BY_UNITS).rows("from validity.int_baseline_balance").iloc[0]
    one, zero = (score[frame.arm == arm].to_numpy(float) for arm in ("treatment", "control"))
    spread = np.sqrt((one.var(ddof=1) + zero.var(ddof=1)) / 2)
    assert found.smd == close((one.mean() - zero.mean()) / spread)
    assert found.variance_ratio == close(one.var(ddof=1) / zero.var(ddof=1))
    assert found.band == "not_equivalent"


def moments_of_all_draws(
    totals: np.ndarray, blocks: np.ndarray, treated: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The treated's totals less their mean over every draw within blocks, and their covariance."""
    d, v = np.zeros(totals.shape[1]), np.zeros((totals.shape[1],) * 2)
    for block in np.unique(blocks):
        inside = totals[blocks == block]
        m = treated[blocks == block].sum()
        draws = np.array(
            [inside[list(some)].sum(axis=0) for some in itertools.combinations(range(len(inside)), m)]
        )
        d += inside[treated[blocks == block]].sum(axis=0) - draws.mean(axis=0)
        v += np.cov(draws.T, ddof=0).reshape(v.shape)
    return d, v


@pytest.mark.parametrize("is_clustered", [True, False])
def test_the_joint_test_knows_what_every_draw_of_the_lot_would_give(built: Any, is_clustered: bool) -> None:
    rng = np.random.default_rng(4)
    size = 5 if is_clustered else 1
    drawn = np.arange(18)
    blocks, treated = drawn // 6, np.isin(drawn % 6, [0, 2, 5])
    people = np.repeat(drawn, size)
    frame = pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in range(len(people))],
            "site": "a",
            "arm": np.where(treated[people], "treatment", "control"),
            "block_id": [f"a:{b}" for b in blocks[people]],
        }
    )
    if is_clustered:
        frame["cluster_id"] = [f"a:{c}" for c in people]
    known = rng.random((len(people), 2)) > 0.15
    values = np.where(known, rng.integers(0, 50, (len(people), 2)) + 10.0**9, np.nan)
    rows = told_at_baseline(frame, score=values[:, 0], height=values[:, 1])
    warehouse = build(built, rows, frame, [SCORE, OTHER], "select 1" if is_clustered else BY_UNITS)
    found = warehouse.rows(
        "from validity.int_baseline_tests where group_id in (select group_id from"
        " validity.int_baseline_groups where site = 'a')"
    ).iloc[0]
    centred = np.nan_to_num(values - np.nanmean(values, axis=0))
    totals = np.array([centred[people == one].sum(axis=0) for one in drawn])
    d, v = moments_of_all_draws(totals, blocks, treated)
    assert found.statistic == pytest.approx(d @ np.linalg.solve(v, d), rel=1e-6)
    assert (found.df, found.drawn_count, found.state) == (2, 18, "measured")
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 2), rel=1e-9)


def test_sites_add_up_to_their_network(built: Any) -> None:
    rng = np.random.default_rng(8)
    frame = pd.concat(
        lots({"treatment": 20, "control": 20}).assign(site=site, unit_key=lambda f, s=site: s + f.unit_key)
        for site in ("a", "b")
    )
    rows = told_at_baseline(frame, score=rng.integers(0, 30, len(frame)))
    warehouse = build(built, rows, frame, [SCORE], BY_UNITS)
    parts = {
        site: (float(sum(block.d)), float(v))
        for site, block, v in (
            (
                site,
                warehouse.rows(
                    "select (is_treated::int - treated / drawn) * t as d from validity.int_baseline_draws"
                    f" where site = '{site}'"
                ),
                warehouse.rows(f"from validity.int_baseline_covariances where site = '{site}'").v.iloc[0],
            )
            for site in ("a", "b")
        )
    }
    found = warehouse.rows(
        "select t.* from validity.int_baseline_tests as t where group_id in (select group_id from"
        " validity.int_baseline_groups where site = 'network')"
    ).iloc[0]
    assert found.statistic == close(
        sum(d for d, _ in parts.values()) ** 2 / sum(v for _, v in parts.values())
    )


def test_subgroups_of_the_frame_are_covariates_too(built: Any) -> None:
    frame = lots({"treatment": 50, "control": 50})
    change = (
        f"{BY_UNITS}; insert into registry.subgroups values ('female', 'female'), ('female', 'male');"
        "insert into frame.int_subgroups select 'randomised', unit_key, 'female',"
        " case when unit_key in ('treatment1', 'treatment2', 'control3') then 'female' else 'male' end"
        " from frame.int_frame"
    )
    rows = told_at_baseline(frame, score=[1] * 100)
    found = (
        build(built, rows, frame, [SCORE], change)
        .rows("from validity.int_baseline_balance where site = 'a'")
        .set_index("covariate")
    )
    assert list(found.index) == ["female: female", "score"]
    p, q = 2 / 50, 1 / 50
    assert found.smd["female: female"] == close((p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2))
    assert (found.state["score"], pd.isna(found.smd["score"])) == ("constant", True)


def test_few_draws_have_no_p_value_and_no_lot_no_test(built: Any) -> None:
    frame = lots({"treatment": 2, "control": 2})
    rows = told_at_baseline(frame, score=[1, 2, 3, 5], height=[1, 0, 0, 1])
    few = build(built, rows, frame, [SCORE, OTHER], BY_UNITS).rows("from validity.int_baseline_tests").iloc[0]
    assert (few.state, pd.isna(few.p_value)) == ("too_few_clusters", True)
    change = f"{BY_UNITS}; update registry.analyses set is_randomised = false"
    warehouse = build(built, rows, frame, [SCORE, OTHER], change)
    assert warehouse.rows("from validity.int_baseline_tests").empty
    assert len(warehouse.rows("from validity.int_baseline_balance where site = 'a'")) == 2
