"""What goes with larger effects: regressions equal the textbook's matrices, or say why they are silent."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats


@pytest.fixture
def regressed(effects_warehouse, insert_pools) -> Callable[..., pd.DataFrame]:
    """int_meta_regression of one pool, whose sites carry covariates, eligible people and implementers."""

    def built(pool: dict[str, Any], registered: Sequence[str] = (), **columns: Sequence[Any]) -> pd.DataFrame:
        warehouse = effects_warehouse()
        warehouse.insert("registry.indicators", [{}])
        warehouse.insert("registry.analyses", [{}])
        names = [f"site_{i:03}" for i in range(len(pool["y"]))]
        own = {name: columns.pop(name, [None] * len(names)) for name in ("eligible_count", "implementer")}
        warehouse.insert(
            "registry.sites",
            [{"site": s} | {name: own[name][i] for name in own} for i, s in enumerate(names)],
        )
        warehouse.insert(
            "registry.site_covariates",
            [
                {"site": site, "covariate": name, "value": values[i]}
                for name, values in columns.items()
                for i, site in enumerate(names)
                if values[i] is not None
            ],
        )
        warehouse.insert(
            "registry.analysis_moderators",
            [
                {"analysis": "main", "moderator": name, "moderator_order": place}
                for place, name in enumerate(registered, start=1)
            ],
        )
        insert_pools(warehouse, {"all": pool})
        warehouse.build("int_meta_regression")
        return warehouse.rows("from effects.int_meta_regression").set_index(["model", "moderator"])

    return built


def sites(seed: int, k: int, slope: float = 0.0, tau: float = 0.2) -> tuple[dict[str, Any], np.ndarray]:
    draw = np.random.default_rng(seed)
    v, x = np.exp(draw.normal(-3, 0.6, k)), draw.normal(70, 12, k)
    y = draw.normal(0.3 + slope * (x - 70), np.sqrt(v + tau**2))
    return {"y": y.tolist(), "v": v.tolist()}, x


def oracle(pool: dict[str, Any], columns: Sequence[np.ndarray]) -> dict[str, Any]:
    """The restricted likelihood maximised numerically, then weighted least squares, scaled as they do."""
    y, v = np.array(pool["y"]), np.array(pool["v"])
    x = np.column_stack([np.ones(len(y)), *columns])
    k, p = x.shape

    def fitted(tau2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        w = np.diag(1 / (v + tau2))
        inverse = np.linalg.inv(x.T @ w @ x)
        beta = inverse @ x.T @ w @ y
        return beta, inverse, w, float((y - x @ beta) @ w @ (y - x @ beta))

    def loss(log_tau2: float) -> float:
        _, inverse, w, q = fitted(np.exp(log_tau2))
        return -(np.linalg.slogdet(w)[1] + np.linalg.slogdet(inverse)[1] - q) / 2

    grid = np.linspace(-18, 3, 400)
    start = grid[np.argmin([loss(point) for point in grid])]
    best = optimize.minimize_scalar(
        loss, bounds=(start - 0.1, start + 0.1), method="bounded", options={"xatol": 1e-12}
    )
    tau2 = 0.0 if start == grid[0] else float(np.exp(best.x))
    beta, inverse, _, q = fitted(tau2)
    errors = np.sqrt(np.diag(inverse) * q / (k - p))
    return {
        "tau2": tau2,
        "beta": beta,
        "se": errors,
        "p": 2 * stats.t.sf(np.abs(beta / errors), k - p),
        "df": k - p,
    }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_one_moderator_equals_the_textbook_s_matrices(regressed, seed: int, slope: float) -> None:
    pool, x = sites(seed, 12 + 3 * seed, slope)
    row = regressed(pool, fidelity_pct=x.tolist()).loc[("alone", "fidelity_pct")]
    known = oracle(pool, [x])
    assert row.tau2_left == pytest.approx(known["tau2"], rel=1e-5, abs=1e-7)
    assert [row.estimate, row.intercept] == pytest.approx(known["beta"][::-1], rel=1e-6, abs=1e-9)
    assert [row.estimate_se, row.intercept_se] == pytest.approx(known["se"][::-1], rel=1e-6)
    assert row.p_value == pytest.approx(known["p"][1], rel=1e-5)
    assert row.df == known["df"]
    half = stats.t.ppf(0.975, known["df"]) * row.estimate_se
    assert [row.estimate_low, row.estimate_high] == pytest.approx([row.estimate - half, row.estimate + half])


def test_moderators_enter_together_only_where_the_analysis_registers_them(regressed) -> None:
    pool, x = sites(3, 40, slope=0.01)
    other = np.random.default_rng(9).normal(0, 1, 40)
    apart = regressed(pool, fidelity_pct=x.tolist(), remoteness=other.tolist())
    assert set(apart.index) == {("alone", "fidelity_pct"), ("alone", "remoteness")}
    names = ("fidelity_pct", "remoteness")
    rows = regressed(pool, names, fidelity_pct=x.tolist(), remoteness=other.tolist()).loc["together"]
    known = oracle(pool, [x, other])
    assert list(rows.loc[list(names)].estimate) == pytest.approx(known["beta"][1:], rel=1e-5, abs=1e-9)
    assert list(rows.loc[list(names)].estimate_se) == pytest.approx(known["se"][1:], rel=1e-5)
    assert set(rows.df) == {37}


def test_scale_and_implementer_are_moderators_of_every_programme(regressed) -> None:
    pool, _ = sites(5, 14)
    eligible = [100 * 2**i for i in range(14)]
    implementer = ["government" if i % 3 else "ngo" for i in range(14)]
    rows = regressed(pool, eligible_count=eligible, implementer=implementer)
    for name, x in {
        "log_eligible": np.log(eligible),
        "government": np.array([float(word == "government") for word in implementer]),
    }.items():
        known = oracle(pool, [x])
        assert rows.loc[("alone", name)].estimate == pytest.approx(known["beta"][1], rel=1e-5, abs=1e-8)


def test_what_cannot_be_told_is_a_state_with_its_reason(regressed) -> None:
    pool, x = sites(6, 12)
    told = [*x[:9].tolist(), None, None, None]
    rows = regressed(pool, ("fidelity_pct", "distance"), fidelity_pct=told, distance=[5.0] * 12).reset_index()
    rows = rows.set_index(["model", "moderator"])
    assert rows.state.to_dict() == {
        ("alone", "fidelity_pct"): "too_few_sites",
        ("alone", "distance"): "no_variation",
        ("together", "fidelity_pct"): "too_few_sites",
        ("together", "distance"): "too_few_sites",
    }
    assert rows.loc[("alone", "fidelity_pct")].why_missing == "9 sites have it, 10 or more are asked for"
    assert rows.estimate.isna().all() and rows.why_missing.notna().all()


def test_moderators_that_go_together_are_not_told_apart(regressed) -> None:
    pool, x = sites(7, 30)
    rows = regressed(pool, ("one", "two"), one=x.tolist(), two=(2 * x + 1).tolist()).loc["together"]
    assert set(rows.state) == {"no_variation"}


def test_an_offset_of_effects_and_moderators_moves_nothing_but_the_intercept(regressed) -> None:
    pool, x = sites(8, 16, slope=0.02)
    pool["y"] = [round(y * 1024) / 1024 for y in pool["y"]]
    x = np.round(x * 64) / 64
    plain = regressed(pool, fidelity_pct=x.tolist()).loc[("alone", "fidelity_pct")]
    moved = regressed(pool | {"y": [y + 1e9 for y in pool["y"]]}, fidelity_pct=(x + 1e6).tolist()).loc[
        ("alone", "fidelity_pct")
    ]
    for column in ("estimate", "estimate_se", "tau2_left", "p_value"):
        assert moved[column] == pytest.approx(plain[column], rel=1e-9), column


def test_sites_alike_in_effect_leave_nothing_to_explain(regressed) -> None:
    _, x = sites(9, 11)
    row = regressed({"y": [0.25] * 11, "v": [0.01] * 11}, fidelity_pct=x.tolist()).loc[
        ("alone", "fidelity_pct")
    ]
    assert [row.estimate, row.estimate_se, row.tau2_left] == pytest.approx([0, 0, 0], abs=1e-12)
    assert pd.isna(row.p_value) and pd.isna(row.tau2_explained_pct)
