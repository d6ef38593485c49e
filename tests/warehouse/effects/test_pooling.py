"""Pooled effects name what they claim, and say which sites they lack; one estimator is the headline."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import inf, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

Pools = Mapping[str, Mapping[str, Any]]


@pytest.fixture
def pooled(effects_warehouse, insert_pools) -> Callable[..., Any]:
    """Warehouses of hand-made pools by name: lists of estimates, variances and, where it matters, more."""

    def built(
        pools: Pools, analysis: dict | None = None, indicator: dict | None = None, threads: int = 2
    ) -> Any:
        warehouse = effects_warehouse(threads)
        warehouse.insert("registry.indicators", [indicator or {}])
        warehouse.insert("registry.analyses", [analysis or {}])
        insert_pools(warehouse, pools)
        warehouse.build("pools")
        return warehouse

    return built


def effects(warehouse: Any) -> pd.DataFrame:
    return warehouse.rows("from effects.int_pooled_effects").set_index(["stage", "estimator"])


def random_pool(seed: int, k: int, tau: float = 0.3, offset: float = 0.0) -> dict[str, list[float]]:
    draw = np.random.default_rng(seed)
    v = np.exp(draw.normal(-3, 0.7, k))
    return {"y": (offset + draw.normal(0.4, np.sqrt(v + tau**2))).tolist(), "v": v.tolist()}


SITES = {
    "y": [1.0, 2.0, 6.0],
    "v": [0.1, 0.2, 0.4],
    "df": [5.0, 8.0, 11.0],
    "eligible": [100.0, 300.0, 600.0],
}


def test_these_sites_have_no_tau2_and_satterthwaite_degrees_of_freedom(pooled) -> None:
    rows = effects(pooled({"pilot": SITES})).loc["pilot"]
    equal, weighted = rows.loc["equal_mean"], rows.loc["eligible_weighted_mean"]
    assert equal.estimate == pytest.approx(3)
    assert equal.estimate_se == pytest.approx(sqrt(0.7) / 3)
    assert equal.df == pytest.approx(0.7**2 / (0.01 / 5 + 0.04 / 8 + 0.16 / 11))
    parts = [0.01 * 0.1, 0.09 * 0.2, 0.36 * 0.4]
    assert weighted.estimate == pytest.approx(0.1 * 1 + 0.3 * 2 + 0.6 * 6)
    assert weighted.estimate_se == pytest.approx(sqrt(sum(parts)))
    assert weighted.df == pytest.approx(
        sum(parts) ** 2 / sum(p**2 / d for p, d in zip(parts, SITES["df"], strict=True))
    )
    assert weighted.largest_weight_pct == pytest.approx(60)
    assert pd.isna(equal.tau2)
    assert rows.loc["reml_wald"].df == inf
    assert rows.loc["fixed_wald"].unit == "precision_weighted"
    assert equal.population == "these 3 pilot sites"
    assert rows.loc["reml_hksj"].population == "sites like these 3 pilot sites"


@pytest.mark.parametrize(
    ("analysis", "sites", "headline"),
    [
        ({}, 3, "reml_hksj_truncated"),
        ({}, 2, "equal_mean"),
        ({"inference": "these_sites"}, 3, "equal_mean"),
        ({"inference": "these_sites", "unit": "person_weighted"}, 3, "eligible_weighted_mean"),
        ({"role": "cross_check"}, 3, None),
    ],
)
def test_one_estimator_is_the_headline_and_the_analysis_says_which(pooled, analysis, sites, headline) -> None:
    pool = {key: values[:sites] for key, values in SITES.items()}
    rows = effects(pooled({"pilot": pool}, analysis)).loc["pilot"]
    assert rows.index[rows.is_headline].tolist() == ([headline] if headline else [])
    assert len(rows) == 12


def test_two_sites_claim_nothing_of_a_population(pooled) -> None:
    rows = effects(pooled({"pilot": {key: values[:2] for key, values in SITES.items()}})).loc["pilot"]
    population = rows[rows.inference == "population_of_sites"]
    assert population.estimate.isna().all()
    assert set(population.why_missing) == {"fewer than three sites: only these sites are claimed"}


def test_one_site_is_its_own_mean_and_no_site_says_why(pooled) -> None:
    pools = {
        "pilot": {key: values[:1] for key, values in SITES.items()},
        "scaled": {"y": [], "v": [], "excluded_sites": "busia: asked in other words"},
    }
    warehouse = pooled(pools)
    rows = effects(warehouse)
    for estimator in ("equal_mean", "eligible_weighted_mean", "fixed_wald"):
        only = rows.loc[("pilot", estimator)]
        assert [only.estimate, only.estimate_se] == pytest.approx([1, sqrt(0.1)])
    assert rows.loc["scaled"].estimate.isna().all()
    assert set(rows.loc["scaled"].why_missing) == {"no site can be pooled: busia: asked in other words"}
    left = warehouse.rows("from effects.int_site_influence")
    assert left.why_missing.tolist() == ["the only site: nothing is left without it"]
    assert left.weight_pct.tolist() == [100]


def test_an_unknown_number_of_eligible_people_leaves_their_weighting_empty_with_its_reason(pooled) -> None:
    rows = effects(pooled({"pilot": SITES | {"eligible": None}})).loc["pilot"]
    assert pd.isna(rows.loc["eligible_weighted_mean"].estimate)
    assert "not registered" in rows.loc["eligible_weighted_mean"].why_missing


def test_an_interval_whose_weights_rest_on_few_clusters_carries_its_label(pooled) -> None:
    many = {"y": [float(i % 3) for i in range(12)], "v": [0.1] * 12}
    rows = effects(pooled({"few": many | {"df": [6.0] * 12}, "enough": many | {"df": [17.0] * 12}}))
    assert "few clusters" in rows.loc[("few", "reml_hksj_truncated")].interval_note
    assert rows.loc["enough"].interval_note.isna().all()
    assert pd.isna(rows.loc[("few", "equal_mean")].interval_note)


def test_identical_effects_have_an_interval_without_width_that_says_so(pooled) -> None:
    rows = effects(pooled({"scaled": {"y": [0.25] * 5, "v": [0.01, 0.02, 0.03, 0.04, 0.05]}})).loc["scaled"]
    assert rows.loc["reml_hksj"].estimate_se == 0
    assert "identical" in rows.loc["reml_hksj"].interval_note
    assert rows.loc["reml_hksj_truncated"].estimate_se > 0


@pytest.mark.parametrize("seed", range(4))
def test_huge_offsets_change_the_mean_and_nothing_else(pooled, seed) -> None:
    """Offsets and effects are whole numbers of 1/1024, so that adding the offset rounds nothing."""
    plain = random_pool(seed, 7)
    plain["y"] = [round(y * 1024) / 1024 for y in plain["y"]]
    moved = plain | {"y": [y + 1e9 for y in plain["y"]]}
    rows = effects(pooled({"plain": plain, "moved": moved}))
    for column in (
        "estimate_se",
        "tau2",
        "tau2_se",
        "q",
        "i2_q_pct",
        "tau2_qprofile_high",
        "largest_weight_pct",
    ):
        assert rows.loc["moved"][column].to_numpy() == pytest.approx(
            rows.loc["plain"][column].to_numpy(), rel=1e-12, nan_ok=True
        )
    assert (rows.loc["moved"].estimate - 1e9).to_numpy() == pytest.approx(
        rows.loc["plain"].estimate.to_numpy(), abs=3e-7, nan_ok=True
    )


def log_likelihood(pool: Mapping[str, Any], tau2: float, restricted: bool = True) -> float:
    y, v = np.array(pool["y"]), np.array(pool["v"])
    w = 1 / (v + tau2)
    mu = (w * y).sum() / w.sum()
    of_mean = np.log(w.sum()) / 2 if restricted else 0
    return float(np.log(w).sum() / 2 - of_mean - (w * (y - mu) ** 2).sum() / 2)


def test_no_other_tau2_is_likelier(pooled) -> None:
    pools = {f"p{seed}": random_pool(seed, 3 + seed % 9, tau=(seed % 4) / 5) for seed in range(40)}
    pools |= {"summits": {"y": [0.02, 0.4, 0.5, 0.35], "v": [1e-6, 0.04, 0.05, 0.03]}}
    found = pooled(pools).rows("""
        select p.stage, t.* from effects.int_pool_tau2 as t inner join effects.int_pools as p using (pool_id)
        where t.method in ('ml', 'reml')
    """)
    grid = np.concatenate([[0], np.geomspace(1e-9, 100, 600)])
    assert found.is_converged.all()
    for row in found.itertuples():
        pool, restricted = pools[row.stage], row.method == "reml"
        best = max(log_likelihood(pool, tau2, restricted) for tau2 in grid)
        assert log_likelihood(pool, row.tau2, restricted) >= best - 1e-9, (row.stage, row.method)


@pytest.mark.parametrize("direction", ["higher_is_better", "lower_is_better"])
def test_the_next_site_s_chance_integrates_over_tau2(pooled, direction) -> None:
    pools = {"nine": random_pool(1, 9), "ten": random_pool(2, 10), "many": random_pool(3, 60, tau=0.05)}
    pools |= {"alike": random_pool(4, 12, tau=0), "wide": random_pool(5, 11, tau=30)}
    rows = effects(pooled(pools, indicator={"direction": direction, "smallest_effect": 0.2}))
    sign = 1 if direction == "higher_is_better" else -1

    def share(pool: Mapping[str, Any], bar: float) -> float:
        y, v = np.array(pool["y"]), np.array(pool["v"])
        top = max(log_likelihood(pool, t) for t in np.geomspace(1e-8, 1e4, 400))

        def node(tau: float) -> tuple[float, float]:
            w = 1 / (v + tau**2)
            spread = sqrt(tau**2 + 1 / w.sum())
            above = stats.norm.cdf((sign * (w * y).sum() / w.sum() - bar) / spread)
            return np.exp(log_likelihood(pool, tau**2) - top), above

        def over(tau: float, which: bool) -> float:
            weight, above = node(tau)
            return weight * above if which else weight

        scale = float(np.sqrt(np.median(v)) + y.std())
        pieces = [0, *(scale * np.geomspace(0.01, 1e4, 60))]
        total = [
            sum(
                integrate.quad(over, a, b, args=(which,), epsabs=0, epsrel=1e-11, limit=200)[0]
                for a, b in pairwise(pieces)
            )
            for which in (True, False)
        ]
        return total[0] / total[1]

    for name in ("ten", "many", "alike", "wide"):
        row = rows.loc[(name, "reml_hksj_truncated")]
        found = [row.p_next_above_zero, row.p_next_above_smallest]
        assert found == pytest.approx([share(pools[name], 0), share(pools[name], 0.2)], rel=1e-7)
        assert row.next_site_note == "if the next site resembles these"
    assert rows.loc["nine"].p_next_above_zero.isna().all()
    assert rows.loc["ten"].p_next_above_zero.notna().sum() == 3


def test_leaving_a_site_out_is_pooling_the_others(pooled) -> None:
    pool = random_pool(7, 6)
    names = [f"site_{i:03}" for i in range(6)]
    others = {
        f"without_{name}": {
            key: [x for i, x in enumerate(values) if i != place] for key, values in pool.items()
        }
        for place, name in enumerate(names)
    }
    warehouse = pooled({"whole": pool, **others})
    rows, left = effects(warehouse), warehouse.rows("from effects.int_site_influence where stage = 'whole'")
    whole = rows.loc[("whole", "reml_hksj_truncated")]
    assert left.site.tolist() == names
    assert left.weight_pct.sum() == pytest.approx(100)
    assert left.weight_pct.max() == pytest.approx(whole.largest_weight_pct)
    for row in left.itertuples():
        other = rows.loc[(f"without_{row.site}", "reml_hksj_truncated")]
        assert [row.without, row.without_se, row.without_df, row.without_tau2] == pytest.approx(
            [other.estimate, other.estimate_se, other.df, other.tau2], rel=1e-12
        )
        assert row.without_change == pytest.approx(other.estimate - whole.estimate)
        lies = sorted([row.site_estimate, whole.estimate])
        assert lies[0] <= row.shrunken <= lies[1]
        assert lies[0] <= row.constrained <= lies[1]


def test_the_answer_accumulates_in_the_order_of_starts(pooled) -> None:
    pool = random_pool(8, 5) | {"sites": ["a", "b", "c", "d", "e"]}
    pool["started"] = [f"2024-0{month}-01" for month in (3, 1, 2, 1, 5)]
    rows = pooled({"whole": pool}).rows("from effects.int_cumulative_effects order by turn")
    assert rows.site.tolist() == ["b", "d", "c", "a", "e"]
    assert rows.estimator.tolist() == ["equal_mean"] * 2 + ["reml_hksj_truncated"] * 3
    y = dict(zip(pool["sites"], pool["y"], strict=True))
    assert rows.estimate.tolist()[:2] == pytest.approx([y["b"], (y["b"] + y["d"]) / 2])
    full = effects(pooled({"whole": pool})).loc[("whole", "reml_hksj_truncated")]
    assert rows.estimate.tolist()[-1] == pytest.approx(full.estimate, rel=1e-12)


def test_threads_change_no_bit(pooled) -> None:
    pools = {f"p{seed}": random_pool(seed, 2 + seed % 40) for seed in range(120)}
    built = [pooled(pools, threads=threads) for threads in (1, 2)]
    for name in ("int_pooled_effects", "int_site_influence", "int_cumulative_effects", "int_pool_tau2"):
        one, two = (warehouse.rows(f"from effects.{name} order by all") for warehouse in built)
        pd.testing.assert_frame_equal(one, two, check_exact=True)
        numbers = one.select_dtypes("number").drop(columns="df", errors="ignore")
        assert not np.isinf(numbers.to_numpy(dtype=float)).any()
