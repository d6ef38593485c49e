"""Log ratios equal independent software: metafor on tables, the delta method by full matrices elsewhere."""

import json
from decimal import Decimal
from math import exp, log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

RATIO = {"log_risk_ratio": "RR", "log_odds_ratio": "OR", "arcsine_difference": "AS", "risk_difference": "RD"}
WAREHOUSE = {"indicators": [{"statistic": "share", "effect_scale": "log_risk_ratio", "resolution": 100}]}
MODELS = ("moments", "fits", "int_site_effects")


@pytest.fixture(scope="module")
def given(shared):
    """Reference numbers that were given beside the programme."""
    return lambda name: json.loads(Path(shared, "reference", f"{name}.json").read_text())


def people(tables: dict[str, dict[str, int]]) -> pd.DataFrame:
    """One person a row for two by two tables by site: a, b treated with and without the event; c, d."""
    rows = [
        (site, arm, value)
        for site, table in tables.items()
        for cell, arm, value in (
            ("a", "treatment", 1),
            ("b", "treatment", 0),
            ("c", "control", 1),
            ("d", "control", 0),
        )
        for _ in range(table[cell])
    ]
    units = pd.DataFrame(rows, columns=["site", "arm", "value_steps"])
    return units.assign(unit_key=[f"u{i}" for i in range(len(units))])


def of_tables(effects_warehouse, tables, **analysis):
    warehouse = effects_warehouse()
    warehouse.programme({site: "pilot" for site in tables}, **WAREHOUSE, analyses=[analysis])
    warehouse.connection.execute("update registry.sites set design = 'rct'")
    warehouse.units(people(tables))
    warehouse.build(*MODELS)
    return warehouse


def numbers(case: dict, measure: str) -> list[float]:
    expected = case["expected"][RATIO[measure]]
    factor = 100 if measure == "risk_difference" else 1
    return [expected["yi"] * factor, expected["vi"] * factor**2]


def test_two_by_two_tables_equal_metafor(effects_warehouse, given):
    cases = {f"s{i}": case for i, case in enumerate(given("binary_effects")["cases"])}
    warehouse = of_tables(effects_warehouse, {site: case["input"] for site, case in cases.items()})
    effects = warehouse.rows("from effects.int_site_effects where estimator like 'two_by_two%'")
    rows = {(row.site, row.measure): row for row in effects.itertuples()}
    assert len(rows) == 4 * len(cases)
    for (site, measure), row in rows.items():
        assert [row.estimate, row.estimate_se**2] == pytest.approx(
            numbers(cases[site], measure), rel=1e-9, abs=1e-12
        ), (site, measure)
        is_filled = 0 in cases[site]["input"].values() and measure != "arcsine_difference"
        assert row.estimator == "two_by_two" + "_half_added" * is_filled
        if measure in ("log_risk_ratio", "log_odds_ratio"):
            expected = cases[site]["expected"]
            name = RATIO[measure]
            bounds = [exp(row.estimate), exp(row.estimate_low), exp(row.estimate_high)]
            assert bounds == pytest.approx([expected[f"{name}_ratio"], *expected[f"{name}_ci"]], rel=1e-9)
    tables = warehouse.rows("""
        select f.site, t.* from effects.int_two_by_two as t inner join effects.int_fits as f using (fit_id)
    """).set_index("site")
    for site, case in cases.items():
        for name in ("RR", "OR", "RD", "AS", "PHI", "OR2DL"):
            found = tables.loc[site, [f"{name.lower()}_yi", f"{name.lower()}_vi"]].tolist()
            expected = [case["expected"][name][key] for key in ("yi", "vi")]
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), (site, name)


def test_sparse_sites_have_their_own_effects_and_one_by_mantel_and_haenszel(effects_warehouse, given):
    indo = given("indo_rct")
    tables = {site["site"]: site for site in indo["sites"] if site["site"] != "ALL"}
    warehouse = of_tables(effects_warehouse, tables)
    escalc = warehouse.rows("""
        select f.site, t.* from effects.int_two_by_two as t inner join effects.int_fits as f using (fit_id)
    """).set_index("site")
    for site, table in tables.items():
        for name in ("RR", "OR", "RD"):
            found = escalc.loc[site, [f"{name.lower()}_yi", f"{name.lower()}_vi"]].tolist()
            assert found == pytest.approx([table[name]["yi"], table[name]["vi"]], rel=1e-9), (site, name)
    empty = warehouse.rows("from effects.int_site_effects where site = '4_Case' and measure like 'log_%'")
    assert set(empty.state) == {"not_estimable"}
    assert empty.estimate.isna().all()
    assert set(empty.why_missing) == {"no arm tells events from others: no ratio"}

    common = of_tables(effects_warehouse, tables, level="network", adjust="site", clusters="none")
    rows = common.rows("from effects.int_site_effects where estimator = 'mantel_haenszel'").set_index(
        "measure"
    )
    for measure in ("log_risk_ratio", "log_odds_ratio"):
        expected = indo["mantel_haenszel"][RATIO[measure]]
        found = [rows.estimate[measure], rows.estimate_se[measure]]
        assert found == pytest.approx([expected["b"], expected["se"]], rel=1e-9), measure
        assert rows.is_own[measure]
    assert not rows.is_own["risk_difference"]
    a, b, c, d = (np.array([table[cell] for table in tables.values()]) for cell in "abcd")
    n1, n0 = a + b, c + d
    difference = sum((a * n0 - c * n1) / (n1 + n0)) / sum(n1 * n0 / (n1 + n0))
    assert rows.estimate["risk_difference"] == pytest.approx(100 * difference, rel=1e-12)


def trial(seed: int, kind: str, has_blocks: bool, has_weights: bool) -> pd.DataFrame:
    """Events of people in ten clusters a block; `one_arm` clusters have one arm, `both_arms` two."""
    rng = np.random.default_rng(seed)
    size = 240
    cluster = rng.integers(0, 10, size)
    block = rng.integers(0, 3, size) if has_blocks else np.zeros(size, int)
    treated = cluster % 2 if kind == "one_arm" else rng.integers(0, 2, size)
    risk = 0.25 + 0.15 * treated + 0.1 * block + 0.02 * cluster
    return pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in range(size)],
            "site": "here",
            "arm": np.where(treated == 1, "treatment", "control"),
            "block_id": block.astype(str),
            "cluster_id": [f"{b}/{c}" for b, c in zip(block, cluster, strict=True)],
            "weight": np.round(rng.uniform(0.5, 3, size), 6) if has_weights else 1.0,
            "value_steps": (rng.random(size) < risk).astype(int),
        }
    )


def log_ratio(y: np.ndarray, w: np.ndarray, treated: np.ndarray, block: np.ndarray, is_odds: bool) -> float:
    """Mantel and Haenszel's log ratio from weighted sums: with one block, that of the two arms' means."""
    top = bottom = 0.0
    for name in np.unique(block):
        one, zero = (block == name) & treated, (block == name) & ~treated
        w1, w0, t1, t0 = w[one].sum(), w[zero].sum(), (w * y)[one].sum(), (w * y)[zero].sum()
        top += t1 * ((w0 - t0) if is_odds else w0) / (w1 + w0)
        bottom += t0 * ((w1 - t1) if is_odds else w1) / (w1 + w0)
    return log(top / bottom)


def by_influence(units, y, w, block, cluster, is_odds) -> tuple[float, float, float, float]:
    """The log ratio; its plain linearised error by numeric derivatives; CR2's, with degrees of freedom.

    A unit's influence is the derivative of the log ratio with respect to its weight. CR2 is that of the
    weighted regression with block effects whose scores are those influences.
    """
    treated = (units.arm == "treatment").to_numpy()
    at = log_ratio(y, w, treated, block, is_odds)
    influence = np.empty(len(y))
    for i in range(len(y)):
        ends = []
        for step in (1e-5, -1e-5):
            moved = w.copy()
            moved[i] += step
            ends.append(log_ratio(y, moved, treated, block, is_odds))
        influence[i] = (ends[0] - ends[1]) / 2e-5
    plain = sum((w * influence)[cluster == name].sum() ** 2 for name in np.unique(cluster)) ** 0.5
    # in that regression the influence of a unit is (treated - its block's share) / D times its residual
    share = np.array([w[treated & (block == b)].sum() / w[block == b].sum() for b in block])
    d = (w * (treated - share) * treated).sum()
    x = np.column_stack([treated.astype(float), pd.get_dummies(block).to_numpy(float)])
    root = np.sqrt(w)
    whitened = x * root[:, None]
    bread = np.linalg.inv(whitened.T @ whitened)
    hat = np.eye(len(y)) - whitened @ bread @ whitened.T
    score = influence * d / (treated - share)
    columns, variance = [], 0.0
    for name in np.unique(cluster):
        rows = np.flatnonzero(cluster == name)
        values, vectors = np.linalg.eigh(hat[np.ix_(rows, rows)])
        inverse = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -0.5, 0)
        weights = (vectors * inverse) @ vectors.T @ whitened[rows] @ bread[:, 0]
        variance += (weights @ (root * score)[rows]) ** 2
        columns.append(hat[:, rows] @ weights)
    gram = np.array(columns) @ np.array(columns).T
    return at, plain, variance**0.5, np.trace(gram) ** 2 / (gram**2).sum()


@pytest.mark.parametrize("has_weights", [False, True])
@pytest.mark.parametrize("has_blocks", [False, True])
@pytest.mark.parametrize("kind", ["one_arm", "both_arms"])
def test_clustered_ratios_equal_the_delta_method_by_full_matrices(
    effects_warehouse, kind, has_blocks, has_weights
):
    units = trial(3, kind, has_blocks, has_weights)
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"}, **WAREHOUSE)
    warehouse.units(units)
    warehouse.build(*MODELS)
    rows = warehouse.rows("from effects.int_site_effects where measure like 'log_%'").set_index("measure")
    assert set(rows.estimator) == {"mantel_haenszel_cr2" if has_blocks else "linearised_cr2"}
    for measure, is_odds in (("log_risk_ratio", False), ("log_odds_ratio", True)):
        at, plain, robust, df = by_influence(
            units,
            units.value_steps.to_numpy(float),
            units.weight.to_numpy(float),
            units.block_id.to_numpy(),
            units.cluster_id.to_numpy(),
            is_odds,
        )
        assert rows.estimate[measure] == pytest.approx(at, rel=1e-9), measure
        assert rows.estimate_se[measure] == pytest.approx(robust, rel=1e-6), measure  # numeric derivatives
        assert rows.df[measure] == pytest.approx(df, rel=1e-9), measure
        assert rows.estimate_se[measure] == pytest.approx(plain, rel=0.35), measure


def test_people_alone_who_count_unequally_get_hc2(effects_warehouse):
    units = trial(4, "both_arms", False, True).drop(columns=["cluster_id", "block_id"])
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"}, **WAREHOUSE)
    warehouse.connection.execute("update registry.sites set design = 'rct'")
    warehouse.units(units)
    warehouse.build(*MODELS)
    rows = warehouse.rows("from effects.int_site_effects where measure like 'log_%'").set_index("measure")
    assert set(rows.estimator) == {"linearised_hc2"}
    at, _, robust, _ = by_influence(
        units,
        units.value_steps.to_numpy(float),
        units.weight.to_numpy(float),
        np.zeros(len(units)),
        units.unit_key.to_numpy(),
        True,
    )
    found = rows.loc["log_odds_ratio"]
    assert found.estimate == pytest.approx(at, rel=1e-9)
    # the moments hold weighted squares, not squares of weights: errors of unequal weights are near, not exact
    assert found.estimate_se == pytest.approx(robust, rel=0.1)


def test_a_rate_ratio_equals_the_linearised_ratio_of_sums(effects_warehouse):
    rng = np.random.default_rng(9)
    cluster = rng.integers(0, 12, 90)
    units = pd.DataFrame({"unit_key": [f"u{i}" for i in range(90)], "site": "here"}).assign(
        cluster_id=cluster.astype(str),
        arm=np.where(cluster % 2, "treatment", "control"),
        value_steps=rng.integers(0, 30, 90),
        exposure_steps=rng.integers(1, 9, 90) * 1_000_000,
    )
    warehouse = effects_warehouse()
    indicator = {"statistic": "rate", "effect_scale": "log_rate_ratio", "resolution": Decimal(1)}
    warehouse.programme({"here": "pilot"}, [indicator])
    warehouse.units(units)
    warehouse.build(*MODELS)
    row = warehouse.rows("from effects.int_site_effects where is_headline").iloc[0]
    exposure = (units.exposure_steps / 1e6).to_numpy()
    at, _, robust, df = by_influence(
        units,
        units.value_steps.to_numpy() / exposure,
        exposure,
        np.zeros(90),
        units.cluster_id.to_numpy(),
        False,
    )
    assert (row.measure, row.estimator) == ("log_rate_ratio", "linearised_cr2")
    assert [row.estimate, row.df] == pytest.approx([at, df], rel=1e-9)
    assert row.estimate_se == pytest.approx(robust, rel=1e-6)


@pytest.mark.parametrize("everyone", [0, 1])
def test_an_arm_without_events_or_with_nothing_else_has_no_clustered_ratio_and_says_so(
    effects_warehouse, everyone
):
    units = trial(5, "one_arm", False, False)
    units.loc[units.arm == "control", "value_steps"] = everyone
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"}, **WAREHOUSE)
    warehouse.units(units)
    warehouse.build(*MODELS)
    rows = warehouse.rows("from effects.int_site_effects where measure like 'log_%'").set_index("measure")
    bare = ["log_odds_ratio"] if everyone else ["log_odds_ratio", "log_risk_ratio"]
    assert sorted(rows.index[rows.state == "not_estimable"]) == bare
    assert rows.loc[bare, ["estimate", "estimate_se", "df"]].isna().all().all()
    assert set(rows.why_missing[bare]) == {"an arm has no events, or nothing else: no ratio"}


def test_no_number_of_any_effect_is_infinite_or_not_a_number(effects_warehouse):
    tables = {
        "none": (0, 5, 0, 4),
        "all": (5, 0, 4, 0),
        "one": (1, 0, 0, 1),
        "apart": (4, 0, 0, 4),
        "lone": (2, 3, 0, 1),
    }
    named = {site: dict(zip("abcd", cells, strict=True)) for site, cells in tables.items()}
    warehouse = of_tables(effects_warehouse, named)
    for column in ("estimate", "estimate_se", "estimate_low", "estimate_high", "p_value"):
        wild = f"select count(*) from effects.int_site_effects where not isfinite({column})"
        assert warehouse.connection.execute(wild).fetchone() == (0,), column
