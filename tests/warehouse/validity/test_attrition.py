"""Attrition of those assigned by lot: the reference's numbers, the boundary, and when it is selective."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

BY_UNITS = "update registry.sites set design = 'rct'"
COLUMNS = {
    "n1": "n_treatment",
    "n0": "n_control",
    "attrition1": "attrition_treatment",
    "attrition0": "attrition_control",
    "overall": "attrition_overall",
    "differential": "differential",
    "se_unpooled": "se_unpooled",
    "z": "z",
    "z_pooled": "z_pooled",
}


@pytest.fixture(scope="module")
def reference(shared: Any) -> dict[str, Any]:
    """Attrition and balance of the STAR trial, computed in R."""
    return json.loads((shared / "reference/attrition_balance.json").read_text())


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def people(site: str, assigned: dict[str, int], measured: dict[str, int]) -> pd.DataFrame:
    """So many people in each arm, of whom the first so many were measured."""
    rows = [
        {
            "unit_key": f"{site}{arm}{i}",
            "site": site,
            "arm": arm,
            "value_steps": i if i < measured[arm] else None,
        }
        for arm in assigned
        for i in range(assigned[arm])
    ]
    return pd.DataFrame(rows).astype({"value_steps": "Int64"})


def clustered(seed: int, clusters: int = 12, size: int = 30) -> pd.DataFrame:
    """A cluster trial in which those who stood low at baseline are lost more often where they are treated."""
    rng = np.random.default_rng(seed)
    index = np.arange(clusters * size)
    cluster = index // size
    treated = cluster % 2 == 1
    baseline = rng.integers(0, 40, index.size) + 10**9
    lost = rng.random(index.size) < 0.1 + 0.02 * rng.random(clusters)[cluster] * cluster + 0.3 * treated * (
        baseline < 10**9 + 15
    )
    return pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in index],
            "site": "a",
            "arm": np.where(treated, "treatment", "control"),
            "cluster_id": [f"a:{c}" for c in cluster],
            "baseline_steps": baseline,
            "value_steps": pd.array(rng.integers(0, 50, index.size), dtype="Int64"),
        }
    ).assign(value_steps=lambda rows: rows.value_steps.mask(lost))


def one(warehouse: Any, table: str, where: str = "site = 'a'") -> Any:
    found = warehouse.rows(f"from validity.{table} where {where}")
    assert len(found) == 1
    return found.iloc[0]


def test_attrition_is_that_of_the_reference_for_the_network_and_every_site(
    built: Any, reference: Any
) -> None:
    cases = {"all": reference["attrition_overall"]} | reference["attrition_by_school"]
    units = pd.concat(
        people(
            f"s{name}",
            {"treatment": case["n1"], "control": case["n0"]},
            {"treatment": case["retained1"], "control": case["retained0"]},
        )
        for name, case in cases.items()
    )
    warehouse = built(units, change=BY_UNITS)
    for name, case in cases.items():
        found = one(warehouse, "int_attrition", f"site = 's{name}'")
        assert {key: found[column] for key, column in COLUMNS.items()} == {
            key: close(case[key]) for key in COLUMNS
        }
        assert [found.low_unpooled, found.high_unpooled] == [close(bound) for bound in case["ci"]]
        assert found.state == "measured"
    # half of everybody lost, 1.6 points between the arms: tolerable only if loss has little to do with it
    assert one(warehouse, "int_attrition", "site = 'sall'").band == "low_optimistic"


@pytest.mark.parametrize(
    ("lost_treatment", "lost_control", "band"),
    [
        (145, 145, "low_cautious"),  # 14.5% is looked up at 15%: 5.9 and 10.8 points
        (175, 116, "low_cautious"),  # 14.55%, and 5.9 points exactly
        (175, 115, "low_optimistic"),  # 14.5%, 6.0 points
        (199, 91, "low_optimistic"),  # 10.8 points exactly
        (200, 91, "high"),  # 10.9 points
        (575, 574, "low_optimistic"),  # 57.45% is looked up at 57%: 0 and 2.3 points
        (575, 575, "high"),  # 57.5% is looked up at 58%, which the boundary does not know
    ],
)
def test_the_boundary_is_looked_up_at_the_rounded_rate_and_met_exactly(
    built: Any, lost_treatment: int, lost_control: int, band: str
) -> None:
    measured = {"treatment": 1000 - lost_treatment, "control": 1000 - lost_control}
    found = built(people("a", dict.fromkeys(measured, 1000), measured), change=BY_UNITS)
    assert one(found, "int_attrition").band == band


def test_the_boundary_is_that_of_the_standard(built: Any, shared: Any) -> None:
    told = pd.read_csv(shared / "data/wwc_attrition_boundary.csv")
    for row in told[told.overall_pct.isin([0, 7, 23, 38, 50, 57])].itertuples():
        lost = 10 * row.overall_pct
        measured = dict.fromkeys(("treatment", "control"), 1000 - lost)
        found = one(
            built(people("a", dict.fromkeys(measured, 1000), measured), change=BY_UNITS), "int_attrition"
        )
        assert found.boundary_cautious_pp == row.differential_cautious_pp
        assert found.boundary_optimistic_pp == row.differential_optimistic_pp


def test_clusters_give_the_differential_the_error_of_cluster_robust_regression(built: Any) -> None:
    rows = clustered(3)
    found = one(built(rows), "int_attrition")
    missing = rows.value_steps.isna().to_numpy().astype(float)
    treated = (rows.arm == "treatment").to_numpy()
    # the closed form for clusters of one arm: sums of residuals over n_a sqrt(1 - n_c / N_a)
    variance = 0.0
    for cluster in rows.cluster_id.unique():
        inside = (rows.cluster_id == cluster).to_numpy()
        arm = treated == treated[inside][0]
        total = (missing[inside] - missing[arm].mean()).sum() / arm.sum()
        variance += total**2 / (1 - inside.sum() / arm.sum())
    assert found.differential == close(missing[treated].mean() - missing[~treated].mean())
    assert found.se_cr2 == close(np.sqrt(variance))
    assert found.clusters_treatment == found.clusters_control == 6
    half = stats.t.ppf(0.975, found.df_cr2) * np.sqrt(variance)
    assert [found.low_cr2, found.high_cr2] == [
        close(found.differential - half),
        close(found.differential + half),
    ]


def test_replacements_do_not_make_up_for_the_lost_and_the_dead_count_as_lost(built: Any) -> None:
    units = people("a", {"treatment": 40, "control": 40}, {"treatment": 30, "control": 36})
    more = people("a", {"treatment": 10, "control": 0}, {"treatment": 10, "control": 0})
    more = more.assign(unit_key="new" + more.unit_key, is_replacement=True)
    dead = "insert into frame.int_dispositions values ('atreatment39', 'a', 'endline', 'dead')"
    rows = pd.concat([units.assign(is_replacement=False), more])
    found = one(built(rows, change=f"{BY_UNITS}; {dead}"), "int_attrition")
    assert (found.n_treatment, found.missing_treatment, found.dead_treatment) == (40, 10, 1)


def oracle(rows: pd.DataFrame, is_clustered: bool) -> tuple[float, float, float, float, float]:
    """Interaction, its error and degrees of freedom, F and its denominator's, from matrices of people."""
    x = (rows.baseline_steps - 10**9).to_numpy(float)
    x = (x - x.mean()) / x.std()
    t = (rows.arm == "treatment").to_numpy(float)
    y = rows.value_steps.isna().to_numpy(float)
    design = np.column_stack([np.ones(len(x)), t, x, t * x])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ y
    residual = y - design @ beta
    chosen = np.eye(4)[[1, 3]]
    if not is_clustered:
        df = len(y) - 4
        v = residual @ residual / df * bread
        f = beta[[1, 3]] @ np.linalg.solve(chosen @ v @ chosen.T, beta[[1, 3]]) / 2
        return beta[3], np.sqrt(v[3, 3]), df, f, df
    hat = design @ bread @ design.T
    rest = np.eye(len(y)) - hat
    groups = [np.flatnonzero(rows.cluster_id == c) for c in rows.cluster_id.unique()]
    meat, parts = np.zeros((4, 4)), []
    for group in groups:
        values, vectors = np.linalg.eigh(rest[np.ix_(group, group)])
        root = (vectors / np.sqrt(values)) @ vectors.T
        score = design[group].T @ root @ residual[group]
        meat += np.outer(score, score)
        parts.append(chosen @ bread @ design[group].T @ root @ rest[group])
    v = bread @ meat @ bread
    own = np.array([[a[1] @ b[1] for b in parts] for a in parts])
    omega = sum(a @ a.T for a in parts)
    values, vectors = np.linalg.eigh(omega)
    white = [(vectors / np.sqrt(values)) @ vectors.T @ a for a in parts]
    spread = 0.0
    for a in white:
        for b in white:
            p = a @ b.T
            spread += sum(p[s, t] * p[t, s] + p[s, s] * p[t, t] for s in range(2) for t in range(2))
    eta = 6 / spread
    wald = beta[[1, 3]] @ np.linalg.solve(chosen @ v @ chosen.T, beta[[1, 3]])
    return (
        beta[3],
        np.sqrt(v[3, 3]),
        np.trace(own) ** 2 / np.sum(own**2),
        (eta - 1) / (2 * eta) * wald,
        eta - 1,
    )


@pytest.mark.parametrize("is_clustered", [True, False])
def test_selective_attrition_is_tested_jointly_on_arm_and_arm_by_baseline(
    built: Any, is_clustered: bool
) -> None:
    rows = clustered(11)
    rows = rows if is_clustered else rows.drop(columns="cluster_id")
    warehouse = built(rows, change="select 1" if is_clustered else BY_UNITS)
    group = one(warehouse, "int_attrition").group_id
    found = one(warehouse, "int_selective_attrition", f"group_id = {group}")
    expected = oracle(rows, is_clustered)
    told = [found.interaction, found.interaction_se, found.interaction_df, found.f_statistic, found.f_df_2]
    assert told == [pytest.approx(value, rel=1e-8) for value in expected]
    assert found.p_value == pytest.approx(stats.f.sf(expected[3], 2, expected[4]), rel=1e-7)
    assert found.state == "measured"


def test_what_cannot_be_told_has_a_state_and_a_reason(built: Any) -> None:
    whole = {"treatment": 20, "control": 20}
    units = pd.concat(
        [
            people("nobody_lost", whole, whole),
            people("all_lost", whole, {"treatment": 0, "control": 0}),
            people("one_arm", {"treatment": 20, "control": 0}, {"treatment": 20, "control": 0}),
            people("derived", whole, {"treatment": 10, "control": 15}).assign(frame="derived"),
        ]
    )
    warehouse = built(units, change=BY_UNITS)
    rows = warehouse.rows("from validity.int_attrition where site <> 'network'").set_index("site")
    states = {
        "nobody_lost": "constant",
        "all_lost": "constant",
        "one_arm": "no_data",
        "derived": "derived_frame",
    }
    assert rows.state.to_dict() == states
    assert rows.reason.notna().all()
    assert rows.loc["nobody_lost", "band"] == "low_cautious"
    assert pd.isna(rows.loc["one_arm", "differential"])
    numbers = warehouse.rows("from validity.int_attrition").select_dtypes("number").to_numpy(float)
    assert not np.isinf(numbers).any()


def test_an_interim_analysis_tells_no_arms(built: Any) -> None:
    units = people("a", {"treatment": 20, "control": 20}, {"treatment": 10, "control": 15})
    warehouse = built(units, change="update registry.site_waves set state = 'in_field'")
    assert warehouse.rows("from validity.int_randomised_values").empty
