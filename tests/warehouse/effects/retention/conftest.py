"""The two sides of a retention by hand, and the models from there to the verdict.

In: columns of int_retention_sides. Out: rows of int_effect_retention. No expectation lives here.
"""

import json
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

RETENTION = (
    "int_retention_claims",
    "int_retention_ratios",
    "int_retention_bars",
    "int_pilot_selection",
    "int_pilot_shrinkage",
    "int_effect_retention",
)
SIDES = """
    create or replace table effects.int_retention_sides (
        analysis varchar, indicator varchar, wave varchar, measure varchar, estimator varchar,
        design_group varchar, is_interim boolean, is_complete boolean, look int,
        pilot_registered int, pilot_measured int, pilot_unidentified int, pilot_incomparable int,
        pilot_designs varchar, pilot_site_count int, pilot_n_treatment int, pilot_n_control int,
        pilot_basis varchar, pilot_estimate double, pilot_se double, pilot_df double,
        pilot_median_site_df double, scaled_median_site_df double,
        scaled_registered int, scaled_measured int, scaled_unidentified int, scaled_incomparable int,
        scaled_designs varchar, scaled_site_count int, scaled_n_treatment int, scaled_n_control int,
        scaled_basis varchar, scaled_estimate double, scaled_se double, scaled_df double,
        scaled_pi_hts_low double, scaled_pi_hts_high double, scaled_p_next_above_smallest double
    )
"""
# Sides by hand have no sites behind them.
NO_POOLS = (
    "create table effects.int_pools (pool_id bigint, analysis varchar, indicator varchar, wave varchar,"
    " stage varchar, design_group varchar, measure varchar, dimension varchar)",
    "create table effects.int_shrunken_effects (pool_id bigint, method varchar, site varchar, tau2 double,"
    " shrinkage double, shrunken double)",
    "create table effects.int_pool_estimates (pool_id bigint, estimator varchar, estimate_se double)",
    "create table effects.int_withheld_verdicts (analysis varchar, indicator varchar, wave varchar,"
    " verdict_if_restored varchar, could_change boolean)",
)


def _side(a: float, sa: float, b: float, sb: float, df: float = inf, **columns: object) -> dict[str, object]:
    return {
        **{"analysis": "main", "indicator": "score", "wave": "endline", "measure": "difference"},
        **{"estimator": "reml_hksj_truncated", "is_interim": False, "is_complete": True},
        **{
            f"{stage}_{name}": 3
            for stage in ("pilot", "scaled")
            for name in ("registered", "measured", "site_count")
        },
        **{
            f"{stage}_{name}": 0 for stage in ("pilot", "scaled") for name in ("unidentified", "incomparable")
        },
        **{"design_group": "randomised", "pilot_designs": "randomised", "scaled_designs": "randomised"},
        **{
            "pilot_estimate": a,
            "pilot_se": sa,
            "pilot_df": df,
            "scaled_estimate": b,
            "scaled_se": sb,
            "scaled_df": df,
        },
        **columns,
    }


@pytest.fixture
def retention_side() -> Callable[..., dict[str, object]]:
    """A row of the two sides of a retention: a, sa, b, sb, df, and any column by name."""
    return _side


@pytest.fixture
def retained(effects_warehouse: Callable[[], Any]) -> Callable[..., pd.DataFrame]:
    """Builds the models from the sides of a retention to its verdict; gives int_effect_retention."""

    def built(
        sides: list[dict],
        indicators: tuple[dict, ...] = ({},),
        analysis: dict | None = None,
        looks: list[dict] | None = None,
    ) -> pd.DataFrame:
        warehouse = effects_warehouse()
        warehouse.insert("registry.waves", [{}, {"wave": "baseline", "is_baseline": True}])
        warehouse.insert("registry.indicators", indicators)
        names = sorted({str(row["analysis"]) for row in sides})
        warehouse.insert("registry.analyses", [{**(analysis or {}), "analysis": name} for name in names])
        warehouse.insert("registry.analysis_looks", looks or [])
        warehouse.connection.execute(SIDES)
        warehouse.insert("effects.int_retention_sides", sides)
        for pools in NO_POOLS:
            warehouse.connection.execute(pools)
        warehouse.build("int_looks", *RETENTION)
        return warehouse.rows("from effects.int_effect_retention")

    return built


@pytest.fixture(scope="session")
def retention_reference(shared: Path) -> dict[str, dict[str, Any]]:
    """The reference's cases of retention by id, all their keys."""
    cases = json.loads((shared / "reference/retention.json").read_text())["cases"]
    return {case["id"]: case for case in cases}
