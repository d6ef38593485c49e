"""Times the judgement of 1,000 rules at 200 sites, beside the bare comparison that it comes down to.

Run: `python tests/benchmarks/judgement.py [--rules N] [--sites N]`. Great Expectations is imported before the
clock starts; its import is told apart. One fact in twenty fails. The bare comparison is one Polars expression
over the same facts, without a state, a reason or a verdict on any cell.
"""

import argparse
import resource
import time

import numpy as np
import polars as pl
import pyarrow as pa
from rich.console import Console

from expectations.judge import judge_facts

TYPES = (
    "range",
    "check",
    "key_unique",
    "in_frame",
    "required_answered",
    "readable",
    "arm_shares",
    "delivered",
)
INDICATORS = 50


def facts(rule_count: int, site_count: int) -> pa.Table:
    """Facts as `facts.int_facts` has them: every rule at every site, one in twenty beyond its limit."""
    count = rule_count * site_count
    rule = np.repeat(np.arange(rule_count), site_count)
    random = np.random.default_rng(1)
    is_share = rule % len(TYPES) == TYPES.index("arm_shares")
    level = random.random(count)
    frame = pl.DataFrame(
        {
            "rule": [f"rule_{number}" for number in rule],
            "rule_type": [TYPES[number % len(TYPES)] for number in rule],
            "severity": np.where(rule // len(TYPES) % 2, "critical", "warning"),
            "site": [f"site_{number}" for number in np.tile(np.arange(site_count), rule_count)],
            "indicator": [f"indicator_{number % INDICATORS}" for number in rule],
            "measured": np.where(is_share, level, 100 * level),
            "comparison": np.where(is_share, "at_least", "at_most"),
            "threshold": np.where(is_share, 0.05, 95.0),
            "violations": (100 * level).astype(np.int64),
        }
    )
    return frame.with_columns(
        dimension=pl.lit("validity"),
        scope=pl.lit("indicator"),
        wave=pl.lit("endline"),
        denominator=pl.lit(100, dtype=pl.Int64),
        fact_state=pl.lit("measured"),
        reason=pl.lit(None, dtype=pl.String),
    ).to_arrow()


def main() -> None:
    """Judges, compares, and prints both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--sites", type=int, default=200)
    options = parser.parse_args()
    start = time.perf_counter()
    import great_expectations  # noqa: F401
    from great_expectations.expectations import core  # noqa: F401

    imported = time.perf_counter() - start
    table = facts(options.rules, options.sites)
    places = pl.DataFrame(pl.from_arrow(table)).select("site", "wave", "indicator").unique().sort("site")
    cells = places.with_columns(wave_state=pl.lit("closed")).to_arrow()
    start = time.perf_counter()
    judged = judge_facts(table, cells)
    judging = time.perf_counter() - start
    start = time.perf_counter()
    above = (pl.col("comparison") == "at_most") & (pl.col("measured") > pl.col("threshold"))
    below = (pl.col("comparison") == "at_least") & (pl.col("measured") < pl.col("threshold"))
    broken = pl.DataFrame(pl.from_arrow(table)).filter(above | below).height
    bare = time.perf_counter() - start
    states = judged["judgements"]["state"].to_pylist()
    assert states.count("fail") + states.count("warn") == broken
    console = Console(width=110)
    console.print(
        f"{options.rules:,} rules at {options.sites:,} sites: {table.num_rows:,} facts, {broken:,} fail"
    )
    console.print(f"judged in {judging:.1f} s, beyond the import of Great Expectations ({imported:.1f} s)")
    console.print(f"the bare comparison: {bare:.3f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    console.print(f"peak memory: {peak:,.0f} MB; cells judged: {judged['admission'].num_rows:,}")


if __name__ == "__main__":
    main()
