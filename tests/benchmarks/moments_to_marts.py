"""Times the way from moments that sites sent to every mart and published table, beside a plain one.

Run: `python tests/benchmarks/moments_to_marts.py [--sites N] [--waves N] [--indicators N] [--clusters N]`.
Three arms, so two contrasts; the defaults are 1.8 million cells. The models run as a night runs them, by dbt
on a warehouse whose registry, admission and staged moments were written before the clock starts. The plain
way reads the same cells with Polars and gives each comparison's difference with an uncorrected cluster-robust
error (CR0) and each pool's fixed-effect mean: no degrees of freedom, exact sums, states, or other estimators.
"""

import argparse
import itertools
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import psutil
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from expectations.judge import JUDGEMENTS
from expectations.waiver import WAIVERS
from ingestion.programme.registry_schemas import SCHEMAS, registry_table
from orchestration.dbt_run import build
from orchestration.settings import Settings
from orchestration.warehouse import connected, write_tables

ARMS = ("control", "treatment", "treatment_plus")
STARTED, CLOSED = date(2024, 1, 1), date(2024, 12, 31)


def staged_moments(sites: list[str], waves: list[str], indicators: list[str], clusters: int) -> pl.DataFrame:
    """One row per cell, as `stg_moments` leaves them."""
    random = np.random.default_rng(1)
    axes = (sites, waves, indicators, ARMS, [f"v{number}" for number in range(clusters)])
    names = ("site", "wave", "indicator", "arm", "cluster_id")
    cells = pl.DataFrame({"site": sites})
    for name, values in zip(names[1:], axes[1:], strict=True):
        cells = cells.join(pl.DataFrame({name: values}), how="cross")
    count = len(cells)
    exact = pl.Decimal(38, 12)
    shift = pl.col("arm").replace_strict(dict(zip(ARMS, (0.0, 0.3, 0.4), strict=True)))
    return cells.with_columns(
        source=pl.lit("sent"),
        record_id=pl.lit(""),
        cluster_id=pl.format("{}_{}", "arm", "cluster_id"),
        block_id=pl.lit(None, pl.String),
        dimension=pl.lit("all"),
        level=pl.lit("all"),
        n=pl.Series(random.integers(10, 30, count)).cast(exact),
        mean=(shift + pl.Series(random.normal(20, 0.4, count))).round(6).cast(exact),
        sd=pl.Series(random.uniform(0.8, 1.2, count)).round(6).cast(exact),
        events=pl.lit(None, exact),
        exposure=pl.lit(None, exact),
        effect_se=pl.lit(None, pl.Float64),
        effect_df=pl.lit(None, pl.Float64),
        problem=pl.lit(None, pl.String),
    )


def registry(sites: list[str], waves: list[str], indicators: list[str]) -> dict[str, pa.Table]:
    """The programme: a fifth of the sites pilots, every indicator measured everywhere."""
    cells = itertools.product(sites, waves, indicators)
    analyses = {arm: f"endline_{arm}" for arm in ARMS[1:]}
    rows = {
        "programme": [
            {"programme": "bench", "title": "Bench", "is_public": True, "min_cell": 1, "round_to": 1}
        ],
        "sites": [
            {"site": site, "design": "cluster_rct", "eligible_count": 1000 + place, "site_order": place}
            for place, site in enumerate(sites)
        ],
        "site_stages": [
            {"site": site, "stage": "pilot" if place % 5 == 0 else "scaled", "from_date": STARTED}
            for place, site in enumerate(sites)
        ],
        "waves": [
            {"wave": wave, "title": wave, "wave_order": place, "is_baseline": False}
            for place, wave in enumerate(waves)
        ],
        "site_waves": [
            {"site": site, "wave": wave, "from_date": STARTED, "closes_date": CLOSED, "state": "closed"}
            for site, wave in itertools.product(sites, waves)
        ],
        "indicators": [
            {
                "indicator": name,
                "title": name,
                "unit": "points",
                "statistic": "mean",
                "direction": "higher_is_better",
            }
            | {
                "effect_scale": "difference",
                "smallest_effect": 0.1,
                "retention_margin": 0.5,
                "role": "primary",
            }
            | {"resolution": Decimal("0.01"), "multiplier": 1.0, "indicator_order": place}
            for place, name in enumerate(indicators)
        ],
        "analyses": [
            {"analysis": analysis, "title": analysis, "role": "headline", "registered_on": STARTED}
            | {"treatment_arm": arm, "control_arm": ARMS[0], "round": "randomised", "is_randomised": True}
            | {"replacements": "exclude", "level": "site", "adjust": "block", "clusters": "cluster"}
            | {"unit": "site_mean", "inference": "population_of_sites", "pilot_selection": "none"}
            | {"analysis_order": place}
            for place, (arm, analysis) in enumerate(analyses.items())
        ],
        "analysis_waves": [
            {"analysis": analysis, "wave": wave}
            for analysis, wave in itertools.product(analyses.values(), waves)
        ],
        "analysis_indicators": [
            {"analysis": analysis, "indicator": name}
            for analysis, name in itertools.product(analyses.values(), indicators)
        ],
        "expected_cells": [
            {"site": site, "wave": wave, "indicator": name, "basis": "moments"} for site, wave, name in cells
        ],
    }
    return {name: registry_table(name, rows.get(name, [])) for name in SCHEMAS}


def plain(moments: Path) -> int:
    """Differences with CR0 errors and fixed-effect means, by Polars; the number of pools."""
    cells = pl.scan_parquet(moments).with_columns(pl.col("n", "mean").cast(pl.Float64))
    key = ["site", "wave", "indicator"]
    arms = cells.group_by(*key, "arm").agg(
        people=pl.col("n").sum(), arm_mean=(pl.col("n") * pl.col("mean")).sum() / pl.col("n").sum()
    )
    scatter = (
        cells.join(arms, on=[*key, "arm"])
        .group_by(*key, "arm")
        .agg(
            pl.col("arm_mean").first(),
            variance=((pl.col("n") * (pl.col("mean") - pl.col("arm_mean")) / pl.col("people")) ** 2).sum(),
        )
    )
    control = scatter.filter(pl.col("arm") == ARMS[0]).drop("arm")
    effects = (
        scatter.filter(pl.col("arm") != ARMS[0])
        .join(control, on=key, suffix="_control")
        .with_columns(
            effect=pl.col("arm_mean") - pl.col("arm_mean_control"),
            weight=1 / (pl.col("variance") + pl.col("variance_control")),
        )
    )
    pooled = effects.group_by("wave", "indicator", "arm").agg(
        mean=(pl.col("weight") * pl.col("effect")).sum() / pl.col("weight").sum(),
        se=pl.col("weight").sum() ** -0.5,
    )
    return len(pooled.collect())


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """The process' largest resident size in MB while the block runs, sampled every 50 ms; one number."""
    peak, is_over, process = [0.0], threading.Event(), psutil.Process()

    def watch() -> None:
        while not is_over.wait(0.05):
            peak[0] = max(peak[0], process.memory_info().rss / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        is_over.set()
        watcher.join()


def main() -> None:
    """Writes the warehouse, then times the models and the plain way."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in {"sites": 200, "waves": 3, "indicators": 50, "clusters": 20}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--slowest", type=int, default=8, help="models to list")
    options = parser.parse_args()
    sites = [f"site_{number:03d}" for number in range(options.sites)]
    waves = [f"endline_{number}" for number in range(options.waves)]
    indicators = [f"indicator_{number:02d}" for number in range(options.indicators)]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder), "bench", 2)
        settings.prepare()
        write_tables(settings.warehouse, "registry", {name: registry_table(name, []) for name in SCHEMAS})
        build(settings, ["+tag:after_admission,tag:before_admission"])
        moments = staged_moments(sites, waves, indicators, options.clusters)
        moments.write_parquet(f"{folder}/moments.parquet")
        admission = moments.select("site", "wave", "indicator").unique(maintain_order=True)
        admission = admission.with_columns(
            verdict=pl.lit("pass"),
            is_admitted=pl.lit(True),
            reason=pl.lit(None, pl.String),
            worst_rule=pl.lit(None, pl.String),
        )
        with connected(settings.warehouse) as connection:
            connection.execute("drop view staging.stg_moments")
        write_tables(settings.warehouse, "registry", registry(sites, waves, indicators))
        write_tables(settings.warehouse, "registry", {"waivers": WAIVERS.empty_table()})
        write_tables(settings.warehouse, "quality", {"admission": admission.to_arrow()})
        write_tables(settings.warehouse, "quality", {"judgements": JUDGEMENTS.empty_table()})
        write_tables(settings.warehouse, "staging", {"stg_moments": moments.to_arrow()})
        with peak_memory() as memory:
            started = time.perf_counter()
            results = build(settings, ["tag:after_admission"])
            seconds = time.perf_counter() - started
        failed = [result for result in results if result.status not in ("success", "pass")]
        if failed:
            raise SystemExit("\n".join(f"{result.unique_id}: {result.message}" for result in failed))
        started = time.perf_counter()
        plain(Path(folder) / "moments.parquet")
        bare = time.perf_counter() - started
        with connected(settings.warehouse, read_only=True) as connection:
            rows = connection.execute("select count(*) from effects.int_site_effects").fetchall()[0][0]
    table = Table("model", "seconds")
    for result in sorted(results, key=lambda result: -result.seconds)[: options.slowest]:
        table.add_row(result.unique_id.split(".")[-1], f"{result.seconds:.1f}")
    console = Console(width=100)
    console.print(f"{len(moments):,} cells to {rows:,} site effects and every published table")
    console.print(table)
    console.print(
        f"models {seconds:.1f} s, peak {memory[0]:.0f} MB; plain way {bare:.2f} s; ratio {seconds / bare:.0f}"
    )


if __name__ == "__main__":
    main()
