"""The effect along a dose is the line of the sites' regression, with its own error."""

import numpy as np
import pytest
from scipy import stats

SITES = [f"s{i:02}" for i in range(14)]


@pytest.fixture
def curve(effects_warehouse):
    rng = np.random.default_rng(5)
    x = np.round(rng.uniform(40, 95, len(SITES)), 1)
    y, v = 3 + 0.1 * x + rng.normal(0, 1, len(SITES)), rng.uniform(0.2, 1.5, len(SITES))
    warehouse = effects_warehouse()
    warehouse.programme(dict.fromkeys(SITES, "scaled"))
    told = [{"site": s, "covariate": "fidelity_pct", "value": d} for s, d in zip(SITES, x, strict=True)]
    warehouse.insert("registry.site_covariates", told)
    lists = ", ".join(str(list(map(float, one))) for one in (y, v))
    warehouse.connection.execute(f"""
        create table effects.int_pools as
        select 1 as pool_id, 'main' as analysis, 'score' as indicator, 'endline' as wave, 'scaled' as stage,
            'randomised' as design_group, 'all' as dimension, 'all' as level,
            'difference' as measure, {SITES} as sites,
            {lists.replace("], [", "] as y, [")} as v
    """)
    warehouse.build("int_meta_regression", "int_dose_curve")
    return warehouse, x, y, v


def test_the_curve_is_the_regression_s_line_at_observed_doses_with_its_error(curve):
    warehouse, x, y, v = curve
    rows = warehouse.rows(
        "from effects.int_dose_curve where moderator = 'fidelity_pct' order by position_pct"
    )
    tau2 = warehouse.rows(
        "select tau2_left from effects.int_meta_regression where moderator = 'fidelity_pct'"
    )
    w = 1 / (v + tau2.tau2_left[0])
    design = np.column_stack([np.ones_like(x), x])
    cover = np.linalg.inv(design.T @ (w[:, None] * design))
    beta = cover @ design.T @ (w * y)
    scale = (w * (y - design @ beta) ** 2).sum() / (len(x) - 2)
    assert rows.position_pct.tolist() == [0, 25, 50, 75, 100]
    assert set(rows.dose) <= set(x) and (rows.dose.iloc[0], rows.dose.iloc[-1]) == (x.min(), x.max())
    at = np.column_stack([np.ones(5), rows.dose])
    assert rows.predicted.to_numpy() == pytest.approx(at @ beta, rel=1e-8)
    error = np.sqrt(scale * np.einsum("ij,jk,ik->i", at, cover, at))
    assert rows.predicted_se.to_numpy() == pytest.approx(error, rel=1e-8)
    high = rows.predicted + stats.t.ppf(0.975, len(x) - 2) * error
    assert rows.predicted_high.to_numpy() == pytest.approx(high.to_numpy())
