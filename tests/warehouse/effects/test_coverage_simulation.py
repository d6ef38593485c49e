"""Do 95% intervals hold the truth 95% of the time? Simulated programmes through the real models.

In: simulated moments of clusters (normal outcomes, total SD 1, clusters of 15 to 30 people), thousands of
programmes at once, each an analysis of its own. Out, for every cell of the grid and never averaged: the share
of intervals that hold the truth, namely each site's CR2 with Bell-McCaffrey t, each stage's truncated HKSJ,
and the retention's Fieller set, where an unbounded set counts as holding it and is counted apart; beside them
the median width over an oracle's interval, which knows every variance.

Nothing is tuned here. With ten sites or more whose errors rest on few clusters, the pooled interval holds the
truth 94 to 95 times in 100: inverse-variance weights vary with the errors they are made of, which HKSJ does
not know. The models label such intervals; the test asks a point less of those that carry the label.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

STEP = 10_000  # values are whole steps of 1e-4 SD
WEIGHT = 1_000_000
RETENTION = 0.6
CELLS_AT_ONCE = 400_000


@dataclass(frozen=True)
class Cell:
    """Sites per stage, clusters per arm and site, intra-cluster correlation, between-site SD, pilot's z."""

    sites: int
    clusters: int
    icc: float
    tau: float
    pilot_z: float

    def __str__(self) -> str:
        return (
            f"k={self.sites:<2} G={self.clusters:<2} icc={self.icc:<4} tau={self.tau:<3} z={self.pilot_z:g}"
        )


GRID = [
    Cell(*cell) for cell in itertools.product((5, 10, 20), (4, 10), (0.05, 0.2), (0.0, 0.1, 0.2), (3.0, 5.0))
]


def simulated(cell: Cell, programmes: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Moments of every cluster; and each site's effect, its sampling SD and its stage's mean."""
    shape = (programmes, 2, cell.sites, 2, cell.clusters)  # programme, stage, site, arm, cluster
    n = rng.integers(15, 31, shape)
    noise = cell.icc + (1 - cell.icc) / n
    arm_variance = (n**2 * noise).sum(-1) / n.sum(-1) ** 2
    site_variance = arm_variance.sum(-1)
    pilot = cell.pilot_z * np.sqrt((cell.tau**2 + site_variance.mean()) / cell.sites)
    mean_effect = np.array([pilot, RETENTION * pilot])[None, :, None]
    effect = mean_effect + cell.tau * rng.standard_normal(shape[:3])
    level = 0.3 * rng.standard_normal(shape[:3])
    arm = np.arange(2)[None, None, None, :, None]
    mean = (
        level[..., None, None] + effect[..., None, None] * arm + np.sqrt(noise) * rng.standard_normal(shape)
    )
    squares = n * mean**2 + (1 - cell.icc) * rng.chisquare(n - 1)
    programme, stage, site, arm_index, cluster = (index.ravel() for index in np.indices(shape))
    moments = pd.DataFrame(
        {
            "programme": programme,
            "stage": stage,
            "site": site,
            "arm": arm_index,
            "cluster": cluster * 2 + arm_index,
            "n": n.ravel(),
            "total": np.rint(n * mean * STEP).astype(np.int64).ravel() * WEIGHT,
            "squares": np.rint(squares * STEP**2).astype(np.int64).ravel() * WEIGHT,
        }
    )
    programme, stage, site = (index.ravel() for index in np.indices(shape[:3]))
    truth = pd.DataFrame(
        {
            "programme": programme,
            "stage": stage,
            "site": site,
            "effect": effect.ravel(),
            "effect_sd": np.sqrt(site_variance).ravel(),
            "mean_effect": np.broadcast_to(mean_effect, shape[:3]).ravel(),
        }
    )
    return moments, truth


def register_programmes(warehouse: Any, moments: pd.DataFrame, truth: pd.DataFrame) -> None:
    """Fills the tables that stand before the effects: one analysis per programme, sites shared by name."""
    warehouse.connection.register("simulated_moments", moments)
    warehouse.connection.register("simulated_truth", truth)
    warehouse.connection.execute("""
        create or replace table moments.int_cell_moments as
        select
            'p' || programme as analysis, 'score' as indicator, 'endline' as wave,
            stage || '/' || site as site, if(arm = 1, 'treatment', 'control') as arm,
            null::varchar as block_id, 'c' || cluster as cluster_id, 'all' as dimension, 'all' as level,
            n::bigint as n, (n::hugeint * 1000000)::decimal(38, 0) as weight_sum, weight_sum as mass,
            total::decimal(38, 0) as total, squares::decimal(38, 0) as total_squares,
            total::decimal(38, 0) as total_mass, weight_sum as mass_squares
        from simulated_moments;
        create or replace table effects.int_analysis_sites as
        select
            'p' || programme as analysis, 'endline' as wave, 'score' as indicator,
            stage || '/' || site as site, if(stage = 0, 'pilot', 'scaled') as stage,
            if(stage = 0, 'pilot', 'scaled') as pool,
            true as is_admitted, 'rows' as basis, 'included' as state, null::varchar as reason,
            'randomised' as design_group, 'A' as comparability_class
        from simulated_truth;
        delete from registry.sites;
        delete from registry.analyses;
        insert into registry.sites by name
        select distinct site, 'cluster_rct' as design from effects.int_analysis_sites;
        insert into registry.analyses by name
        select distinct
            analysis, 'headline' as role, 'treatment' as treatment_arm, 'control' as control_arm,
            'site' as level, 'block' as adjust, 'cluster' as clusters, 'site_mean' as unit,
            'population_of_sites' as "inference", 'none' as pilot_selection
        from effects.int_analysis_sites;
    """)


def held(low: pd.Series, high: pd.Series, truth: pd.Series | float) -> pd.Series:
    """Whether each interval holds the truth; one without bounds does."""
    return ~((low > truth) | (high < truth))


def tallied(cell: Cell, warehouse: Any) -> pd.DataFrame:
    """One row per interval: its kind, whether it held, is bounded, is labelled; width over the oracle's."""
    sites = warehouse.rows("""
        select t.*, e.estimate_low as low, e.estimate_high as high
        from simulated_truth as t
        inner join effects.int_site_effects as e
            on e.analysis = 'p' || t.programme and e.site = t.stage || '/' || t.site
        where e.measure = 'difference'
    """)
    pools = warehouse.rows("""
        select p.analysis, p.stage, p.estimate_low as low, p.estimate_high as high,
            p.interval_note is not null as is_labelled
        from effects.int_pooled_effects as p
        where p.is_headline and p.estimator = 'reml_hksj_truncated' and p.stage <> 'all'
    """)
    retentions = warehouse.rows("""
        select r.retention_low as low, r.retention_high as high, r.retention_set = 'bounded' as is_bounded
        from effects.int_effect_retention as r
        where r.estimator = 'reml_hksj_truncated'
    """)
    pilot = sites.loc[sites.stage == 0, "mean_effect"].iloc[0]
    pooled_sd = np.sqrt((cell.tau**2 + (sites.effect_sd**2).mean()) / cell.sites)
    pool_truth = pools.stage.map({"pilot": pilot, "scaled": RETENTION * pilot})
    a, z2 = (
        1 - 3.8415 / cell.pilot_z**2,
        3.8415 / cell.pilot_z**2,
    )  # Fieller in units of the true pilot effect
    fieller_half = np.sqrt(RETENTION**2 - a * (RETENTION**2 - z2)) / a
    kinds = {
        "site": (sites, held(sites.low, sites.high, sites.effect), 1.96 * sites.effect_sd),
        "pooled pilot": (
            pools[pools.stage == "pilot"],
            held(pools.low, pools.high, pool_truth),
            1.96 * pooled_sd,
        ),
        "pooled scaled": (
            pools[pools.stage == "scaled"],
            held(pools.low, pools.high, pool_truth),
            1.96 * pooled_sd,
        ),
        "retention": (retentions, held(retentions.low, retentions.high, RETENTION), fieller_half),
    }
    return pd.concat(
        pd.DataFrame(
            {
                "kind": kind,
                "held": is_held.loc[rows.index],
                "bounded": rows.high.notna(),
                "labelled": rows.get("is_labelled", False),
                "width": (rows.high - rows.low) / 2 / oracle,
            }
        )
        for kind, (rows, is_held, oracle) in kinds.items()
    )


def chunks(cell: Cell, programmes: int) -> Iterator[int]:
    """How many programmes to simulate at a time, so that memory stays small."""
    size = max(1, CELLS_AT_ONCE // (4 * cell.sites * cell.clusters))
    for start in range(0, programmes, size):
        yield min(size, programmes - start)


def coverage(
    cells: list[Cell], programmes: int, seed: int, open_warehouse: Callable[[], Any]
) -> pd.DataFrame:
    """The tallies of every cell, one row per cell and kind of interval."""
    warehouse = open_warehouse()
    warehouse.insert("registry.waves", [{}])
    warehouse.insert("registry.indicators", [{"resolution": Decimal(1) / STEP, "unit": "sd"}])
    results = []
    for index, cell in enumerate(cells):
        rng = np.random.default_rng([seed, index])
        tallies = []
        for size in chunks(cell, programmes):
            register_programmes(warehouse, *simulated(cell, size, rng))
            warehouse.build("fits", "effects", "retention")
            tallies.append(tallied(cell, warehouse))
        tally = pd.concat(tallies)
        for kind, rows in tally.groupby("kind", sort=False):
            bounded = rows[rows.bounded]
            results.append(
                {
                    "cell": str(cell),
                    "kind": kind,
                    "intervals": len(rows),
                    "coverage_pct": 100 * rows.held.mean(),
                    "unbounded_pct": 100 * (1 - rows.bounded.mean()),
                    "bounded_coverage_pct": 100 * bounded.held.mean(),
                    "width_over_oracle": bounded.width.median(),
                    "labelled_pct": 100 * rows.labelled.mean(),
                }
            )
    return pd.DataFrame(results)


def judge(results: pd.DataFrame, floor: float, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints every cell, then fails by name for those under the floor (labelled: a point lower)."""
    with capsys.disabled():
        print(f"\ncoverage of nominal 95% intervals, seed {seed}")
        print(results.to_string(index=False, float_format=lambda x: f"{x:.2f}"))
    missed = results[results.coverage_pct < floor - (results.labelled_pct > 50)]
    assert missed.empty, f"seed {seed}: under {floor}%:\n{missed.to_string(index=False)}"


def test_a_third_of_the_grid_covers_the_truth_with_fresh_seeds(effects_warehouse, capsys):
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    third = np.random.default_rng(seed).permutation(len(GRID))[: len(GRID) // 3]
    judge(coverage([GRID[i] for i in sorted(third)], 2_000, seed, effects_warehouse), 93, seed, capsys)


@pytest.mark.slow
def test_the_whole_grid_covers_the_truth(effects_warehouse, capsys):
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    judge(coverage(GRID, 10_000, seed, effects_warehouse), 94, seed, capsys)
