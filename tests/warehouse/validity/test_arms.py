"""What arms took up, what leaked to controls, what could have been found: each against its definition."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def partial_population(seed: int = 6) -> pd.DataFrame:
    """Twelve clusters with nobody treated, twelve where half are: there the controls gain a little too."""
    rng = np.random.default_rng(seed)
    index = np.arange(24 * 10)
    cluster = index // 10
    is_mixed = cluster >= 12
    treated = is_mixed & (index % 2 == 1)
    value = 10**9 + rng.integers(0, 20, index.size) + rng.integers(0, 6, 24)[cluster] + 5 * is_mixed
    return pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in index],
            "site": "a",
            "arm": np.where(treated, "treatment", "control"),
            "cluster_id": [f"a:{c}" for c in cluster],
            "value_steps": value,
        }
    )


def test_spillover_is_controls_beside_treated_people_minus_pure_controls(built: Any) -> None:
    rows = partial_population()
    found = (
        built(rows)
        .rows(
            "select s.* from validity.int_spillover as s"
            " inner join validity.int_attrition as a using (group_id)"
            " where a.site = 'a'"
        )
        .iloc[0]
    )
    controls = rows[rows.arm == "control"].assign(value_steps=lambda people: people.value_steps - 10**9)
    beside = controls[controls.cluster_id.str[2:].astype(int) >= 12]
    pure = controls.drop(beside.index)
    assert (found.n_beside, found.n_pure, found.state) == (60, 120, "measured")
    assert found.estimate == close(beside.value_steps.mean() - pure.value_steps.mean())
    variance = 0.0
    for side in (beside, pure):
        centred = (side.value_steps - side.value_steps.mean()).groupby(side.cluster_id).agg(["sum", "size"])
        variance += ((centred["sum"] / len(side)) ** 2 / (1 - centred["size"] / len(side))).sum()
    assert found.estimate_se == close(np.sqrt(variance))


def test_a_lot_without_pure_controls_has_no_spillover_to_tell(built: Any) -> None:
    rows = partial_population()
    warehouse = built(rows[rows.cluster_id.str[2:].astype(int) >= 12])
    assert warehouse.rows("from validity.int_spillover").empty


def test_one_cluster_of_a_kind_has_a_difference_and_no_error(built: Any) -> None:
    rows = partial_population()
    number = rows.cluster_id.str[2:].astype(int)
    row = built(rows[(number == 0) | (number >= 12)]).rows("from validity.int_spillover").iloc[0]
    assert row.state == "no_standard_error" and pd.notna(row.estimate) and pd.isna(row.estimate_se)


def test_take_up_is_told_by_the_arm_of_the_lot(built: Any) -> None:
    frame = partial_population()
    treated = frame.arm == "treatment"
    took = np.where(treated, np.arange(len(frame)) % 4 != 0, np.arange(len(frame)) % 10 == 0)
    score = frame.assign(indicator="score")
    took_up = frame.assign(indicator="attended", value_steps=took.astype(int))
    share = {
        "indicator": "attended",
        "statistic": "share",
        "effect_scale": "risk_difference",
        "resolution": 100,
    }
    warehouse = built(pd.concat([score, took_up]), indicators=[{}, share], analyses=[{"take_up": "attended"}])
    found = warehouse.rows("from validity.int_take_up where site = 'a'").set_index("arm")
    assert found.indicator.unique().tolist() == ["attended"]
    for arm, chosen in (("treatment", treated), ("control", ~treated)):
        assert (found.n[arm], found.taken[arm]) == (chosen.sum(), took[chosen].sum())
        assert found.take_up_share[arm] == close(took[chosen].mean())


def test_the_least_effect_to_be_found_follows_from_error_and_degrees_of_freedom(
    effects_warehouse: Any,
) -> None:
    warehouse = effects_warehouse()
    warehouse.programme({"a": "pilot"})
    place = "'main' as analysis, 'score' as indicator, 'endline' as wave"
    for table, rows in {
        "int_site_effects": "('a', 0.03, 20.0), ('b', 0.2, 8.0), ('c', null, null)",
        "int_pooled_effects": "('network', 0.01, 'infinity')",
    }.items():
        warehouse.connection.execute(
            f"create table effects.{table} as select {place}, site, 'pilot' as stage,"
            " 'difference' as measure,"
            " 'cr2' as estimator, estimate_se::double as estimate_se, df::double as df,"
            " true as is_headline, 'all' as dimension from"
            f" (values {rows}) as t (site, estimate_se, df)"
        )
    warehouse.build("int_detectable_effects")
    found = warehouse.rows("from validity.int_detectable_effects").set_index("site")
    expected = {
        "a": (stats.t.ppf(0.975, 20) + stats.t.ppf(0.8, 20)) * 0.03,
        "b": (stats.t.ppf(0.975, 8) + stats.t.ppf(0.8, 8)) * 0.2,
        "network": (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * 0.01,
    }
    assert found.detectable.dropna().to_dict() == {site: close(value) for site, value in expected.items()}
    bands = found.band.dropna().to_dict()
    assert bands == {"a": "powered", "b": "underpowered", "network": "powered"}
    assert found.state["c"] == "no_standard_error" and found.reason["c"]
