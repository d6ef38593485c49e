"""Lee's bounds against people sorted one by one, Lee's own variance, and closed forms for what is 0 or 1."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

BY_UNITS = "update registry.sites set design = 'rct'"


def trial(
    seed: int, share_lost: dict[str, float], values: int, clusters: int = 0, n: int = 600
) -> pd.DataFrame:
    """People whose outcomes are whole numbers below `values` (ties are many where that is small)."""
    rng = np.random.default_rng(seed)
    index = np.arange(n)
    group = index // (n // clusters) if clusters else index
    treated = group % 2 == 1
    outcome = np.clip(rng.normal(0.45 + 0.1 * treated, 0.25, n) * values, 0, values - 1).astype(int) + 10**9
    loss = np.where(treated, share_lost["treatment"], share_lost["control"])
    lost = rng.random(n) < loss
    rows = pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in index],
            "site": "a",
            "arm": np.where(treated, "treatment", "control"),
            "value_steps": pd.array(outcome, dtype="Int64"),
        }
    ).assign(value_steps=lambda rows: rows.value_steps.mask(lost))
    return rows.assign(cluster_id=[f"a:{g}" for g in group]) if clusters else rows


def kept_mean(values: np.ndarray, kept: float) -> tuple[float, float]:
    """Mean of the lowest `kept` values, the last of them in part, and the value at the cut."""
    values = np.sort(values)
    whole = int(np.ceil(kept - 1e-9)) - 1
    return (values[:whole].sum() + (kept - whole) * values[whole]) / kept, values[whole]


def bounds(rows: pd.DataFrame) -> dict[str, float]:
    """Both bounds with errors from each person's influence, by the definition."""
    arm = {name: rows[rows.arm == name].value_steps for name in ("treatment", "control")}
    rate = {name: values.notna().mean() for name, values in arm.items()}
    trimmed = "treatment" if rate["treatment"] >= rate["control"] else "control"
    other = "control" if trimmed == "treatment" else "treatment"
    measured = {name: values.dropna().to_numpy(float) - 10**9 for name, values in arm.items()}
    k = rate[other] / rate[trimmed]
    r, ro = len(measured[trimmed]), len(measured[other])
    told = {}
    for side, sign in (("low", 1.0), ("high", -1.0)):
        mean, cut = kept_mean(sign * measured[trimmed], k * r)
        mean, cut = sign * mean, sign * cut
        y = rows.value_steps.astype("Float64").to_numpy(float, na_value=np.nan) - 10**9
        is_seen, is_trimmed = ~np.isnan(y), (rows.arm == trimmed).to_numpy()
        inside = np.where(sign * (y - cut) < 0, y - cut, 0.0)
        centre = inside[is_seen & is_trimmed].mean()
        psi = np.zeros(len(rows))
        psi += np.where(is_trimmed & is_seen, (inside - centre) / (k * r), 0.0)
        psi -= np.where(is_trimmed, (cut - mean) * (is_seen - rate[trimmed]) / r, 0.0)
        psi += np.where(~is_trimmed, (cut - mean) * (is_seen - rate[other]) / ro, 0.0)
        psi -= np.where(~is_trimmed & is_seen, (y - measured[other].mean()) / ro, 0.0)
        if "cluster_id" in rows:
            sums = pd.Series(psi).groupby(rows.cluster_id.to_numpy()).sum()
            se = np.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum())
        else:
            se = np.sqrt((psi**2).sum())
        effect = mean - measured[other].mean()
        name = side if trimmed == "treatment" else {"low": "high", "high": "low"}[side]
        told |= {name: effect if trimmed == "treatment" else -effect, f"{name}_se": se}
    ratio = (told["high"] - told["low"]) / max(told["low_se"], told["high_se"])
    c = optimize.brentq(lambda c: stats.norm.cdf(c + ratio) - stats.norm.cdf(-c) - 0.95, 1, 3, xtol=1e-14)
    return told | {"from": told["low"] - c * told["low_se"], "to": told["high"] + c * told["high_se"]}


NAMES = {
    "low": "effect_low",
    "low_se": "effect_low_se",
    "high": "effect_high",
    "high_se": "effect_high_se",
    "from": "interval_low",
    "to": "interval_high",
}


def found(built: Any, rows: pd.DataFrame, **programme: Any) -> Any:
    table = built(rows, **programme).rows(
        "select b.* from validity.int_lee_bounds as b inner join validity.int_attrition as a using (group_id)"
        " where site = 'a'"
    )
    assert len(table) == 1
    return table.iloc[0]


@pytest.mark.parametrize("clusters", [0, 20])
@pytest.mark.parametrize("values", [2, 7, 100_000])
@pytest.mark.parametrize("losses", [(0.1, 0.3), (0.35, 0.15)])
def test_bounds_are_those_of_people_sorted_one_by_one(
    built: Any, losses: tuple[float, float], values: int, clusters: int
) -> None:
    rows = trial(7, dict(zip(("treatment", "control"), losses, strict=True)), values, clusters)
    row = found(built, rows, change="select 1" if clusters else BY_UNITS)
    assert {key: row[name] for key, name in NAMES.items()} == {
        key: pytest.approx(value, rel=1e-9, abs=1e-12) for key, value in bounds(rows).items()
    }
    assert row.trimmed_arm == ("treatment" if losses[0] < losses[1] else "control")


def test_without_clusters_the_variance_is_lees_own(built: Any) -> None:
    rows = trial(5, {"treatment": 0.1, "control": 0.3}, 10**6)
    row = found(built, rows, change=BY_UNITS)
    treated, control = (rows[rows.arm == arm].value_steps for arm in ("treatment", "control"))
    q1, q0 = treated.notna().mean(), control.notna().mean()
    p = 1 - q0 / q1
    y1, y0 = (np.sort(values.dropna().to_numpy(float)) - 10**9 for values in (treated, control))
    # Lee (2009), proposition 3, for the lower bound; no ties: the trimmed are whole people but one
    mean, cut = kept_mean(y1, (1 - p) * len(y1))
    weights = np.clip((1 - p) * len(y1) - np.arange(len(y1)), 0, 1)
    within = (weights * (y1 - mean) ** 2).sum() / weights.sum()
    v_p = (1 - p) ** 2 * ((1 - q1) / (q1 * len(treated)) + (1 - q0) / (q0 * len(control)))
    variance = within / ((1 - p) * len(y1)) + (cut - mean) ** 2 * p / ((1 - p) * len(y1))
    variance += ((cut - mean) / (1 - p)) ** 2 * v_p + y0.var() / len(y0)
    # one person at the cut is kept in part: that much and no more lies between the two
    assert row.effect_low_se == pytest.approx(np.sqrt(variance), rel=1e-3)


def test_a_binary_outcome_has_the_closed_form(built: Any) -> None:
    counts = {"treatment": (90, 60, 10), "control": (50, 20, 50)}  # measured, of whom yes, lost
    rows = pd.DataFrame(
        [
            {
                "unit_key": f"{arm}{i}",
                "site": "a",
                "arm": arm,
                "value_steps": int(i < yes) if i < seen else None,
            }
            for arm, (seen, yes, lost) in counts.items()
            for i in range(seen + lost)
        ]
    ).astype({"value_steps": "Int64"})
    share = {"statistic": "share", "effect_scale": "risk_difference", "unit": "percent", "resolution": 100}
    row = found(built, rows, change=BY_UNITS, indicators=[share])
    kept, mean = 5 / 9, 60 / 90
    assert row.effect_low == pytest.approx(100 * (max(0, mean - (1 - kept)) / kept - 0.4), rel=1e-12)
    assert row.effect_high == pytest.approx(100 * (min(1, mean / kept) - 0.4), rel=1e-12)
    assert row.trimmed_pct == pytest.approx(100 * (1 - kept))


def test_equal_retention_leaves_the_difference_itself(built: Any) -> None:
    rows = trial(2, {"treatment": 0.0, "control": 0.0}, 50)
    row = found(built, rows, change=BY_UNITS)
    difference = (
        rows[rows.arm == "treatment"].value_steps.mean() - rows[rows.arm == "control"].value_steps.mean()
    )
    assert row.effect_low == row.effect_high == pytest.approx(difference)
    assert row.trimmed_pct == 0


def test_outcomes_that_do_not_differ_have_bounds_and_no_error(built: Any) -> None:
    rows = trial(2, {"treatment": 0.1, "control": 0.3}, 50).assign(
        value_steps=lambda rows: rows.value_steps.where(rows.value_steps.isna(), 7)
    )
    row = found(built, rows, change=BY_UNITS)
    assert (row.effect_low, row.effect_high, row.state) == (0, 0, "no_standard_error")
    assert pd.isna([row.effect_low_se, row.interval_low, row.interval_high]).all()


def test_an_arm_of_whom_nobody_was_measured_has_no_bounds(built: Any) -> None:
    rows = trial(2, {"treatment": 0.1, "control": 1.0}, 50)
    assert built(rows, change=BY_UNITS).rows("from validity.int_lee_bounds").empty
