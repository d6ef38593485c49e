"""Every meta-analysis of the reference, by every estimator of tau2 and every interval, equals metafor's."""

import json
import math
from typing import Any

import pandas as pd
import pytest

METHODS = {name: name.lower() for name in ("DL", "HE", "HS", "SJ", "ML", "REML", "PM")} | {"EB": "pm"}


@pytest.fixture(scope="module")
def analyses(shared) -> list[dict[str, Any]]:
    return json.loads((shared / "reference/meta_analysis.json").read_text())["analyses"]


@pytest.fixture(scope="module")
def built(analyses, insert_pools, effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.insert("registry.indicators", [{}])
    warehouse.insert("registry.analyses", [{}])
    pools = {case["id"]: {"y": case["input"]["yi"], "v": case["input"]["vi"]} for case in analyses}
    insert_pools(warehouse, pools)
    warehouse.build("pools")
    return warehouse


def table(warehouse: Any, name: str, *index: str) -> pd.DataFrame:
    joined = f"effects.{name} as t inner join effects.int_pools as p using (pool_id)"
    return warehouse.rows(f"select p.stage as id, t.* from {joined}").set_index(["id", *index]).sort_index()


def assert_equal(found: object, expected: object, where: object) -> None:
    """1e-9 of the reference's own value, 1e-12 where it is zero; a null where it has none."""
    if expected is None:
        assert pd.isna(found), where
    elif isinstance(expected, list):
        for place, pair in enumerate(zip(found, expected, strict=True)):
            assert_equal(*pair, (where, place))
    else:
        close = math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12 if abs(expected) < 1e-3 else 0)
        # A p-value below the smallest double is 0 in either place.
        assert close, (where, found, expected)


def test_heterogeneity_and_its_q_profile_interval(built, analyses) -> None:
    rows = table(built, "int_pool_heterogeneity")
    for case in analyses:
        row = rows.loc[case["id"]]
        known = {"q": "Q", "q_df": "Q_df", "p_q": "Q_p", "i2_q_pct": "I2_higgins_Q", "c": "C_dl", "k": "k"}
        for ours, theirs in known.items():
            assert_equal(row[ours], case[theirs], (case["id"], theirs))
        assert_equal(row.h2_q, case["fit"]["FE"]["H2"], (case["id"], "H2"))
        assert row.is_converged
        for method in ("DL", "REML", "PM"):
            profile = case["fit"][method]["qprofile"]
            found = [row.tau2_qprofile_low, row.tau2_qprofile_high]
            assert_equal(found, profile["tau2_ci"], (case["id"], "tau2_ci"))
            found = [row.i2_qprofile_low_pct, row.i2_qprofile_high_pct]
            assert_equal(found, profile["I2_ci"], (case["id"], "I2_ci"))


@pytest.mark.parametrize("method", METHODS)
def test_tau2_and_its_standard_error(built, analyses, method: str) -> None:
    rows = table(built, "int_pool_tau2", "method")
    for case in analyses:
        row, fit = rows.loc[(case["id"], METHODS[method])], case["fit"][method]
        assert row.is_converged
        assert_equal(row.tau2, fit["tau2"], (case["id"], "tau2"))
        # metafor loses digits here itself: its matrix product holds one weight 30,000 times the others.
        if (case["id"], method) != ("edge_one_huge_n", "DL"):
            assert_equal(row.tau2_se, fit["se_tau2"], (case["id"], "se_tau2"))


def wald(row: Any) -> dict[str, Any]:
    found = {"mu": row.estimate, "se": row.estimate_se, "z": row.test_statistic, "p": row.p_value}
    return found | {"ci": [row.estimate_low, row.estimate_high]}


def test_the_fixed_effect(built, analyses) -> None:
    rows = table(built, "int_pool_estimates", "estimator")
    for case in analyses:
        for key, value in wald(rows.loc[(case["id"], "fixed_wald")]).items():
            assert_equal(value, case["fit"]["FE"][key], (case["id"], key))


@pytest.mark.parametrize("method", METHODS)
def test_wald_hksj_truncated_hksj_and_three_prediction_intervals(built, analyses, method: str) -> None:
    rows = table(built, "int_pool_estimates", "estimator")
    for case in analyses:
        fit, name = case["fit"][method], METHODS[method]
        normal, hksj, truncated = (
            rows.loc[(case["id"], f"{name}_{kind}")] for kind in ("wald", "hksj", "hksj_truncated")
        )
        found = wald(normal) | {
            **{"I2_tau2_based": normal.i2_tau2_pct, "H2": normal.h2_tau2, "tau2": normal.tau2},
            **{"pi_z": [normal.pi_z_low, normal.pi_z_high]},
            **{"pi_hts_t_km2": [normal.pi_hts_low, normal.pi_hts_high]},
        }
        for key, value in found.items():
            assert_equal(value, fit[key], (case["id"], key))
        found = {
            **{"q_scale": hksj.q_scale, "se": hksj.estimate_se, "t": hksj.test_statistic, "df": hksj.df},
            **{"p": hksj.p_value, "ci": [hksj.estimate_low, hksj.estimate_high]},
            **{"pi_t_km1": [hksj.pi_knha_low, hksj.pi_knha_high]},
            **{"pi_hts_t_km2": [hksj.pi_hts_low, hksj.pi_hts_high]},
            **{"ci_adhoc_q_ge_1": [truncated.estimate_low, truncated.estimate_high]},
        }
        for key, value in found.items():
            assert_equal(value, fit["hksj"][key], (case["id"], "hksj", key))


def test_the_generalised_q_of_paule_and_mandel_is_its_degrees_of_freedom(built) -> None:
    rows = table(built, "int_pool_estimates", "estimator")
    between = rows[(rows.index.get_level_values("estimator") == "pm_hksj") & (rows.tau2 > 0)]
    assert len(between) > 20
    assert between.q_scale.to_numpy() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("method", ["DL", "REML", "PM"])
def test_shrunken_effects(built, analyses, method: str) -> None:
    rows = table(built, "int_shrunken_effects", "method", "site")
    keys = {"shrunken": "pred", "shrunken_se": "se_metafor_blup", "shrinkage": "shrink_to_mean_B"}
    for case in analyses:
        sites = rows.loc[(case["id"], METHODS[method])]
        for ours, theirs in keys.items():
            assert_equal(list(sites[ours]), case["fit"][method]["eb"][theirs], (case["id"], theirs))
