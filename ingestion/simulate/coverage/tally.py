"""What became of simulated programmes: intervals that held their truth, claims that were wrong.

In: the truth of some programmes of a cell, and the models' tables for them. Out: counts that add up over
batches, and from them the study's row of each cell. No estimate is made here, only compared.
"""

from dataclasses import dataclass, field

import polars as pl
from scipy import stats

from ingestion.simulate.coverage.draws import STAGES, eligible, pilot_effect
from ingestion.simulate.coverage.grid import MARGIN, SMALLEST_SHARE, Cell

VERDICTS = (
    "held",
    "faded_partial",
    "faded_negligible",
    "faded",
    "reversed",
    "not_established",
    "inconclusive",
)
# From this many sites a side on, the models speak of all sites like these; below, of these sites only.
POPULATION_FROM = 3
# A truth exactly at a boundary makes the claims on both its sides wrong; floating point must not decide.
_ON_THE_LINE = 1e-12


@dataclass
class Tally:
    """Sums over programmes of one cell; `counts` holds how often, `sums` how much, by what was compared."""

    cell: Cell
    counts: dict[str, list[int]] = field(default_factory=dict)
    sums: dict[str, list[float]] = field(default_factory=dict)

    def count(self, name: str, is_so: pl.Series) -> None:
        """Adds how many of these are so; unknown ones are left out."""
        hits, of = self.counts.setdefault(name, [0, 0])
        known = is_so.drop_nulls()
        self.counts[name] = [hits + int(known.sum()), of + len(known)]

    def add(self, name: str, values: pl.Series) -> None:
        """Adds up values; unknown ones are left out."""
        total, of = self.sums.setdefault(name, [0.0, 0.0])
        known = values.drop_nulls()
        self.sums[name] = [total + float(known.sum()), of + len(known)]

    def row(self) -> dict[str, object]:
        """The cell with its rates in percent and its biases in outcome standard deviations."""
        described = {name: value for name, value in vars(self.cell).items() if name not in ("icc", "pilots")}
        described["pilot_sites"] = self.cell.pilot_sites
        rates = {
            f"{name}_pct": round(100 * hits / of, 2) if of else None
            for name, (hits, of) in self.counts.items()
        }
        means = {name: round(total / of, 4) if of else None for name, (total, of) in self.sums.items()}
        return {**described, "programmes": self.counts["held"][1], **rates, **means}


def tally(
    into: Tally, truth: pl.DataFrame, sites: pl.DataFrame, pools: pl.DataFrame, retentions: pl.DataFrame
) -> None:
    """Compares a batch with its truth.

    Args:
        into: the cell's tally, added to.
        truth: indicator, stage, place, site, effect, mean_effect.
        sites: indicator, site, estimate, estimate_low, estimate_high.
        pools: indicator, stage, estimator, estimate, estimate_low, estimate_high: the headline rows.
        retentions: rows of the retention model by indicator.
    """
    claimed = retentions.join(_true_means(into.cell, truth), on="indicator")
    if into.cell.is_selected:
        claimed = claimed.filter(pl.col("pilot_low") > 0)
    kept = claimed.select("indicator")
    _site_intervals(into, sites.join(truth, on=["indicator", "site"]).join(kept, on="indicator", how="semi"))
    _pooled_intervals(into, pools.join(kept, on="indicator", how="semi"), claimed)
    _retentions(into, claimed)
    _verdicts(into, claimed)
    if into.cell.is_selected:
        _corrected(into, claimed)


def _true_means(cell: Cell, truth: pl.DataFrame) -> pl.DataFrame:
    """Per indicator the true effects of both sides: of all such sites, of these, of these by people."""
    people = pl.DataFrame({"place": range(cell.sites), "eligible": eligible(cell)})
    stages = (
        truth.join(people, on="place")
        .group_by("indicator", "stage", maintain_order=True)
        .agg(
            population=pl.col("mean_effect").first(),
            these=pl.col("effect").mean(),
            people=(pl.col("effect") * pl.col("eligible")).sum() / pl.col("eligible").sum(),
        )
    )
    sides = [
        stages.filter(pl.col("stage") == number).select(
            "indicator", *(pl.col(name).alias(f"{side}_{name}") for name in ("population", "these", "people"))
        )
        for number, side in enumerate(STAGES)
    ]
    return sides[0].join(sides[1], on="indicator")


def _claimed(side: str) -> pl.Expr:
    return (
        pl.when(pl.col("estimator") == "equal_mean")
        .then(pl.col(f"{side}_these"))
        .when(pl.col("estimator") == "eligible_weighted_mean")
        .then(pl.col(f"{side}_people"))
        .otherwise(pl.col(f"{side}_population"))
    )


def _holds(low: str, high: str, truth: pl.Expr) -> pl.Expr:
    return ~((pl.col(low) > truth) | (pl.col(high) < truth))


def _site_intervals(into: Tally, sites: pl.DataFrame) -> None:
    known = sites.drop_nulls(["estimate_low"])
    into.count(
        "site_covered", known.select(_holds("estimate_low", "estimate_high", pl.col("effect"))).to_series()
    )
    into.add("site_bias", known.select(pl.col("estimate") - pl.col("effect")).to_series())


def _pooled_intervals(into: Tally, pools: pl.DataFrame, claimed: pl.DataFrame) -> None:
    truths = claimed.select("indicator", *(c for c in claimed.columns if c.split("_")[0] in STAGES))
    for side in STAGES:
        known = pools.filter((pl.col("stage") == side) & pl.col("estimate_low").is_not_null()).join(
            truths, on="indicator"
        )
        holds = known.select(_holds("estimate_low", "estimate_high", _claimed(side))).to_series()
        into.count(f"{side}_covered", holds)
        into.add(f"{side}_bias", known.select(pl.col("estimate") - _claimed(side)).to_series())


def _retentions(into: Tally, claimed: pl.DataFrame) -> None:
    """Sets held the truth by their definition, also the unbounded, which are published as not estimable."""
    known = claimed.filter(pl.col("retention_set") != "not_applicable")
    ratio = _claimed("scaled") / _claimed("pilot")
    off = pl.col("scaled_estimate") - ratio * pl.col("pilot_estimate")
    spread = (pl.col("scaled_se") ** 2 + (ratio * pl.col("pilot_se")) ** 2).sqrt()
    quantile = pl.Series(stats.t.ppf(0.975, known["retention_df"].to_numpy()))
    sets = known.select(
        held=off.abs() <= quantile * spread,
        is_bounded=pl.col("retention_set") == "bounded",
        bias=pl.col("retention") - ratio,
    )
    into.count("retention_covered", sets["held"])
    into.count("retention_unbounded", ~sets["is_bounded"])
    into.count("retention_bounded_covered", sets.filter("is_bounded")["held"])
    into.count("retention_unbounded_covered", sets.filter(~pl.col("is_bounded"))["held"])
    into.add("retention_bias", sets["bias"])


def _corrected(into: Tally, claimed: pl.DataFrame) -> None:
    """The pilot corrected for its selection; what is right in the median is above half the time."""
    is_told = pl.col("selection_state") == "corrected"
    a, ratio = _claimed("pilot"), _claimed("scaled") / _claimed("pilot")
    compared = claimed.filter(is_told).select(
        pilot_covered=_holds("pilot_corrected_low", "pilot_corrected_high", a),
        pilot_above=pl.col("pilot_corrected_estimate") > a,
        is_bounded=pl.col("retention_corrected_set") == "bounded",
        retention_covered=_holds("retention_corrected_low", "retention_corrected_high", ratio),
        retention_above=pl.col("retention_corrected") > ratio,
    )
    into.count("corrected_told", claimed.select(is_told).to_series())
    for name in ("pilot_covered", "pilot_above"):
        into.count(f"corrected_{name}", compared[name])
    into.count("corrected_retention_unbounded", ~compared["is_bounded"])
    for name in ("retention_covered", "retention_above"):
        into.count(f"corrected_{name}", compared.filter("is_bounded")[name])
    into.add("corrected_pilot_bias", claimed.select(pl.col("pilot_corrected_estimate") - a).to_series())
    into.add("corrected_retention_bias", claimed.select(pl.col("retention_corrected") - ratio).to_series())
    told = claimed.with_columns(verdict=pl.col("verdict_corrected").fill_null("untold"))
    for verdict in VERDICTS:
        into.count(f"corrected_{verdict}", told["verdict"] == verdict)
    _wrong(into, told, "corrected_")


def _verdicts(into: Tally, claimed: pl.DataFrame) -> None:
    for verdict in VERDICTS:
        into.count(verdict, claimed["verdict"] == verdict)
    _wrong(into, claimed)


def _wrong(into: Tally, claimed: pl.DataFrame, prefix: str = "") -> None:
    """Wrong claims, of what is claimed; with too few sites to claim it of all, also of all such sites."""
    truths = {"wrong": (_claimed("pilot"), _claimed("scaled"))}
    if into.cell.pilot_sites < POPULATION_FROM:
        truths["of_all_sites_wrong"] = (pl.col("pilot_population"), pl.col("scaled_population"))
    for name, (a, b) in truths.items():
        for claim, is_wrong in wrong_claims(into.cell, a, b).items():
            into.count(f"{prefix}{name}_{claim}", claimed.select(is_wrong).to_series())


def wrong_claims(cell: Cell, a: pl.Expr, b: pl.Expr) -> dict[str, pl.Expr]:
    """Whether the column `verdict` claims what is not so of the true pilot effect a and scaled effect b."""
    verdict, kept = pl.col("verdict"), b - MARGIN * a
    smallest = SMALLEST_SHARE * pilot_effect(cell)
    return {
        "held": (verdict == "held") & (kept <= _ON_THE_LINE),
        "faded": (verdict.str.starts_with("faded") & (kept >= -_ON_THE_LINE))
        | ((verdict == "faded_negligible") & (b.abs() >= smallest))
        | ((verdict == "faded_partial") & (b <= _ON_THE_LINE)),
        "reversed": (verdict == "reversed") & (b >= -_ON_THE_LINE),
    }
