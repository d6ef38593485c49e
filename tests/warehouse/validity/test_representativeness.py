"""Whom the sites stand for: the reference's areas give its coefficients, its B in each form, its SMDs."""

import json
from datetime import date
from typing import Any

import numpy as np
import pytest

COVARIATES = ("free", "black", "rural", "n", "texp")
MODELS = (
    "int_population_samples",
    "int_sampling_scores",
    "int_generalizability",
    "int_population_covariates",
)


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.fixture(scope="module")
def reference(shared: Any) -> dict[str, Any]:
    """Schools of the STAR trial as areas, twenty of them ours, computed in R."""
    return json.loads((shared / "reference/generalizability.json").read_text())


@pytest.fixture(scope="module")
def registered(effects_warehouse: Any) -> Any:
    """Builds the models over areas given as rows of covariates with `in_sample`."""

    def build(areas: list[dict[str, Any]], covariates: tuple[str, ...] = COVARIATES) -> Any:
        warehouse = effects_warehouse()
        warehouse.programme({"ours": "pilot"})
        named = [(f"area_{place}", row) for place, row in enumerate(areas)]
        warehouse.insert(
            "registry.population_areas",
            [
                {"area": name, "site": "ours" if row["in_sample"] else None, "dated": date(2025, 1, 1)}
                for name, row in named
            ],
        )
        warehouse.insert(
            "registry.population_covariates",
            [
                {
                    "area": name,
                    "covariate": covariate,
                    "covariate_order": place,
                    "value": float(row[covariate]),
                }
                for name, row in named
                for place, covariate in enumerate(covariates, start=1)
            ],
        )
        warehouse.build(*MODELS)
        return warehouse

    return build


def test_the_reference_is_met_in_every_form_of_b(registered: Any, reference: Any) -> None:
    warehouse = registered(reference["schools"])
    scores = warehouse.rows("from validity.int_sampling_scores where sample = 'all'")
    coefficients = dict(zip(("(Intercept)", *COVARIATES), scores.coefficients.iloc[0], strict=True))
    assert coefficients == {name: close(value) for name, value in reference["coef"].items()}
    row = warehouse.rows("from validity.int_generalizability where sample = 'pilot'").iloc[0]
    assert row.b_kernel == close(reference["B_kernel_sample_vs_all"])
    assert row.b_kernel_rest == close(reference["B_kernel_sample_vs_rest"])
    assert row.b_bins5 == close(reference["B_bins5_sample_vs_all"])
    assert row.b_bins10 == close(reference["B_bins10_sample_vs_all"])
    assert (row.area_count, row.site_area_count, row.state) == (79, 20, "measured")


def test_differences_and_ranges_are_those_of_the_areas(registered: Any, reference: Any) -> None:
    warehouse = registered(reference["schools"])
    found = warehouse.rows("from validity.int_population_covariates where sample = 'all'").set_index(
        "covariate"
    )
    expected = reference["asmd_sample_vs_population_sd"]
    assert {name: found.smd[name] for name in COVARIATES} == {
        name: close(expected[name]) for name in COVARIATES
    }
    assert found.smd["*"] == close(max(map(abs, expected.values())))
    table = np.array([[row[name] for name in COVARIATES] for row in reference["schools"]], dtype=float)
    ours = table[[bool(row["in_sample"]) for row in reference["schools"]]]
    within = (table >= ours.min(axis=0)) & (table <= ours.max(axis=0))
    assert [found.share_within[name] for name in COVARIATES] == [
        close(share) for share in within.mean(axis=0)
    ]
    assert found.share_within["*"] == close(within.all(axis=1).mean())


def test_a_sample_like_its_population_has_a_b_near_one_and_one_apart_a_low_one(registered: Any) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=400)
    alike = [{"x": value, "in_sample": place % 4 == 0} for place, value in enumerate(x)]
    apart = [{"x": value, "in_sample": rng.random() < 1 / (1 + np.exp(8 - 6 * value))} for value in x]
    b = [
        registered(rows, ("x",)).rows("from validity.int_generalizability").b_kernel.iloc[0]
        for rows in (alike, apart)
    ]
    assert b[0] > 0.97
    assert b[1] < 0.6


@pytest.mark.parametrize(
    ("areas", "state"),
    [
        ([{"x": i, "in_sample": i > 5} for i in range(12)], "not_estimable"),  # told apart at 5.5
        ([{"x": 3, "in_sample": i > 5} for i in range(12)], "not_estimable"),  # all alike
        ([{"x": i, "in_sample": i == 5} for i in range(12)], "too_few"),
        ([{"x": i % 3, "in_sample": i in (1, 4)} for i in range(12)], "constant"),  # ours alike
    ],
)
def test_what_cannot_be_compared_has_a_state(
    registered: Any, areas: list[dict[str, Any]], state: str
) -> None:
    row = registered(areas, ("x",)).rows("from validity.int_generalizability where sample = 'all'").iloc[0]
    assert row.state == state
    assert row.reason


def test_without_a_population_nothing_is_compared(registered: Any) -> None:
    assert registered([]).rows("from validity.int_generalizability").empty
