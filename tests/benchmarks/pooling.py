"""Times 10,000 meta-analyses of 20 sites through the models, beside a plain loop over them.

Run: `python tests/benchmarks/pooling.py`. Prints the seconds of each model on two threads (and of processor
time, since a busy machine stretches the first), the peak memory of the process, and the time of a numpy loop
over the pools (DerSimonian and Laird, Paule and Mandel, REML with Hartung and Knapp's errors, the Q-profile
interval), so that the ratio says what the models' form costs. The numbers of both are compared before a time
is printed. The seed is fixed.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table
from scipy import stats

POOLS, SITES, SEED, LIMIT = 10_000, 20, 20261123, 15.0
ESTIMATES = (
    "int_pool_tau2",
    "int_pool_heterogeneity",
    "int_pool_estimates",
    "int_pool_next_site",
    "int_pooled_effects",
)
BESIDE = (
    "int_shrunken_effects",
    "int_partial_pools",
    "int_site_influence",
    "int_cumulative_effects",
    "int_meta_regression",
)


def simulated() -> tuple[np.ndarray, np.ndarray]:
    """Effects and their variances, pools by sites, from the most precise site on."""
    draw = np.random.default_rng(SEED)
    v = np.sort(np.exp(draw.normal(-3, 0.6, (POOLS, SITES))), axis=1)
    tau2 = draw.choice([0, 0.02, 0.1, 0.5], (POOLS, 1))
    return draw.normal(0.3, np.sqrt(v + tau2)), v


def compiled(folder: str) -> dict[str, str]:
    """The SQL of the models, as dbt compiles it."""
    from dbt.cli.main import dbtRunner

    project = Path(__file__).resolve().parents[2] / "dbt_project"
    os.environ |= {"SITEWISE_HOME": folder, "SITEWISE_WAREHOUSE": f"{folder}/warehouse.duckdb"}
    os.environ |= {"SITEWISE_DBT_PROJECT": str(project)}
    places = [
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        "--target-path",
        f"{folder}/target",
    ]
    done = dbtRunner().invoke(["--quiet", "compile", "--select", "effects", "--log-path", folder, *places])
    if not done.success:
        raise SystemExit(f"dbt could not compile: {done.exception or done.result}")
    paths = Path(folder, "target", "compiled").rglob("int_*.sql")
    return {path.stem: path.read_text() for path in paths if path.stem in (*ESTIMATES, *BESIDE)}


def warehouse(y: np.ndarray, v: np.ndarray) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with those pools, and the few registry rows that the models ask for."""
    from ingestion.programme.registry_schemas import SCHEMAS, registry_table

    plugins = Path(__file__).resolve().parents[2] / "dbt_project/plugins"
    sys.path.insert(0, str(plugins))
    connection = duckdb.connect(config={"threads": 2})
    connection.execute(
        "attach ':memory:' as warehouse; use warehouse; create schema registry; create schema effects"
    )
    for path in sorted(plugins.glob("*_functions.py")):
        __import__(path.stem).register(connection)
    sites = [f"site_{place:02}" for place in range(SITES)]
    fidelity = np.random.default_rng(SEED).normal(70, 10, SITES)
    rows = {
        "indicators": [
            {"indicator": "score", "effect_scale": "difference", "smallest_effect": 0.1}
            | {"direction": "higher_is_better"}
        ],
        "analyses": [
            {"analysis": "main", "role": "headline", "unit": "site_mean", "inference": "population_of_sites"}
        ],
        "sites": [{"site": site, "eligible_count": 100 * (n + 1)} for n, site in enumerate(sites)],
        "site_covariates": [
            {"site": site, "covariate": "fidelity_pct", "value": value}
            for site, value in zip(sites, fidelity.tolist(), strict=True)
        ],
    }
    for name in SCHEMAS:
        connection.register("given", registry_table(name, rows.get(name, [])))
        connection.execute(f"create table registry.{name} as from given")
    lists = {
        name: pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), SITES)
        for name, x in {"y": y, "v": v}.items()
    }
    given = pa.table(
        {"pool_id": np.arange(POOLS)} | {name: x.cast(pa.list_(pa.float64())) for name, x in lists.items()}
    )
    connection.register("given", given)
    connection.execute(f"""
        create table effects.int_pools as select
            pool_id, 'main' as analysis, 'score' as indicator, 'endline' as wave, pool_id::varchar as stage,
            'randomised' as design_group, true as is_headline_group, null::varchar as withheld_sites,
            false as is_interim, null::varchar as excluded_sites, 'all' as dimension, 'all' as level,
            'difference' as measure, {sites} as sites, y, v, list_transform(v, lambda x: 20.0::double) as df,
            list_transform(v, lambda x: date '2024-01-01') as started,
            list_transform(v, lambda x: 100.0::double) as eligible, 1000::bigint as n_treatment,
            1000::bigint as n_control, 'rows' as basis, 'pass' as quality_verdict
        from given
    """)
    return connection


def plain(y: np.ndarray, v: np.ndarray) -> list[tuple[float, ...]]:
    """One pool: mean, Hartung-Knapp error and tau2 by three methods, and the Q-profile interval."""
    k = len(y)

    def sums(tau2: float) -> tuple[np.ndarray, float, float, float]:
        w = 1 / (v + tau2)
        mu = (w * y).sum() / w.sum()
        return w, mu, (w * (y - mu) ** 2).sum(), (w**2 * (y - mu) ** 2).sum()

    def root(aim: float) -> float:
        tau2 = 0.0
        for _ in range(200):
            _, _, q, r2 = sums(tau2)
            moved = max(0.0, tau2 + (q / aim - 1) * q / r2)
            if abs(moved - tau2) <= 1e-13 * (moved + v[0]):
                return moved
            tau2 = moved
        return tau2

    w, _, q, _ = sums(0.0)
    dl = max(0.0, (q - (k - 1)) / (w.sum() - (w**2).sum() / w.sum()))
    reml = dl
    for _ in range(200):
        w, _, _, r2 = sums(reml)
        s1, s2, s3 = w.sum(), (w**2).sum(), (w**3).sum()
        moved = max(0.0, reml + (r2 - (s1 - s2 / s1)) / (s2 - 2 * s3 / s1 + (s2 / s1) ** 2))
        change, reml = abs(moved - reml) / (moved + v[0]), moved
        if change <= 1e-13:
            break
    else:
        reml = np.nan  # Fisher's steps alone can take more than 200
    found = []
    for tau2 in (dl, root(k - 1), reml):
        w, mu, q, _ = sums(tau2)
        found.append((mu, np.sqrt(q / (k - 1) / w.sum()), tau2))
    return [*found, (root(stats.chi2.ppf(0.975, k - 1)), root(stats.chi2.ppf(0.025, k - 1)))]


def timed(
    connection: duckdb.DuckDBPyConnection, sql: dict[str, str], names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Seconds of each model, on the wall and of the processors."""
    seconds = {}
    for name in names:
        start = np.array([time.perf_counter(), time.process_time()])
        connection.execute(f"create table effects.{name} as {sql[name]}")
        seconds[name] = np.array([time.perf_counter(), time.process_time()]) - start
    return seconds


def compared(connection: duckdb.DuckDBPyConnection, expected: list[list[tuple[float, ...]]]) -> None:
    """Both ways give the same means and errors wherever the loop settled, or there is nothing to time."""
    for place, name in enumerate(("dl_hksj", "pm_hksj", "reml_hksj")):
        found = connection.execute(f"""
            select estimate, estimate_se from effects.int_pool_estimates where estimator = '{name}'
            order by pool_id
        """).fetchnumpy()
        known = np.array([row[place][:2] for row in expected])
        settled = ~np.isnan(known).any(axis=1)
        if settled.mean() < 0.99:
            raise SystemExit("the plain loop did not settle")
        ours = np.column_stack([found["estimate"], found["estimate_se"]])
        np.testing.assert_allclose(ours[settled], known[settled], rtol=1e-7)


def main() -> None:
    """Builds the models over the pools, then walks the same pools one by one."""
    console, (y, v) = Console(), simulated()
    with tempfile.TemporaryDirectory() as folder:
        sql = compiled(folder)
    connection = warehouse(y, v)
    console.print(f"{POOLS:,} meta-analyses of {SITES} sites, seed {SEED}, two threads")
    seconds, beside = timed(connection, sql, ESTIMATES), timed(connection, sql, BESIDE)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.process_time()
    expected = [plain(*pool) for pool in zip(y, v, strict=True)]
    alone = time.process_time() - start
    compared(connection, expected)
    table = Table("model", "seconds", "processor seconds", "rows")
    for name, (wall, processor) in (seconds | beside).items():
        rows = connection.execute(f"select count(*) from effects.{name}").fetchall()[0][0]
        table.add_row(name, f"{wall:.2f}", f"{processor:.2f}", f"{rows:,}")
    console.print(table)
    (wall, processor), rest = sum(seconds.values()), sum(beside.values())
    console.print(f"every estimator: {wall:.1f} s (at most {LIMIT:.0f}), {processor:.1f} s of processors")
    console.print(f"influence, order and regressions: {rest[0]:.1f} s, {rest[1]:.1f} s of processors")
    console.print(f"peak memory {memory:,.0f} MB")
    console.print(
        f"plain loop over three of the estimators: {alone:.1f} s, so {processor / alone:.2f} times its work"
    )
    if wall > LIMIT:
        raise SystemExit(f"slower than {LIMIT:.0f} s")


if __name__ == "__main__":
    main()
