"""Draws as the tables that stand before the models: the registry, the gates' word, what sites sent.

In: cells with equal numbers of sites, with their draws. Out: Arrow tables by schema and name. Each programme
is an exploratory indicator of its cell's analysis: sites are shared, and no claim is tested among others.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

import polars as pl
import pyarrow as pa

from ingestion.programme.registry_schemas import SCHEMAS, Row, registry_table
from ingestion.simulate.coverage.draws import STAGES, Draws, eligible, pilot_effect
from ingestion.simulate.coverage.grid import MARGIN, SMALLEST_SHARE, Cell

WAVE = "endline"
RESOLUTION = Decimal("0.0001")
_STARTED, _CLOSED = date(2024, 1, 1), date(2024, 12, 31)

Numbered = Mapping[int, tuple[Cell, Draws]]


def indicator(cell_number: int) -> pl.Expr:
    """The name of each programme's indicator, from the column `programme`."""
    return pl.format("c{}_p{}", pl.lit(cell_number), pl.col("programme"))


def study_tables(drawn: Numbered) -> dict[str, dict[str, pa.Table]]:
    """Tables by schema and name: the whole registry, `quality.admission`, `staging.stg_moments`."""
    moments = pl.concat(_moments(number, draws) for number, (_, draws) in drawn.items())
    cells = moments.select("site", "wave", "indicator").unique(maintain_order=True)
    registry = {name: registry_table(name, rows) for name, rows in _design(drawn).items()}
    registry["expected_cells"] = (
        cells.with_columns(basis=pl.lit("moments")).to_arrow().cast(SCHEMAS["expected_cells"])
    )
    empty = {name: registry_table(name, []) for name in SCHEMAS if name not in registry}
    admission = cells.with_columns(
        verdict=pl.lit("pass"),
        is_admitted=pl.lit(True),
        reason=pl.lit(None, pl.String),
        worst_rule=pl.lit(""),
    )
    return {
        "registry": registry | empty,
        "quality": {"admission": admission.to_arrow()},
        "staging": {"stg_moments": moments.to_arrow()},
    }


def _moments(number: int, draws: Draws) -> pl.DataFrame:
    exact = pl.Decimal(38, 12)
    none, not_known = pl.lit(None, pl.String), pl.lit(None, pl.Float64)
    return draws.moments.select(
        source=pl.lit("simulated"),
        record_id=pl.lit(""),
        site=_site(),
        wave=pl.lit(WAVE),
        indicator=indicator(number),
        dimension=pl.lit("all"),
        level=pl.lit("all"),
        arm=pl.when(pl.col("arm") == 1).then(pl.lit("treatment")).otherwise(pl.lit("control")),
        block_id=none,
        cluster_id=pl.format("{}_{}", "arm", "cluster"),
        n=pl.col("n").cast(exact),
        mean=pl.col("mean").round(11).cast(exact),
        sd=pl.col("sd").round(11).cast(exact),
        events=pl.lit(None, exact),
        exposure=pl.lit(None, exact),
        effect_se=not_known,
        effect_df=not_known,
        problem=none,
    )


def _site() -> pl.Expr:
    stage = pl.when(pl.col("stage") == 0).then(pl.lit(STAGES[0])).otherwise(pl.lit(STAGES[1]))
    return pl.format("{}_{}", stage, "place")


def _design(drawn: Numbered) -> dict[str, list[Row]]:
    (sites,) = {(cell.pilot_sites, cell.sites) for cell, _ in drawn.values()}
    first = next(cell for cell, _ in drawn.values())
    names = {
        f"{stage}_{place}": (stage, place)
        for stage, count in zip(STAGES, sites, strict=True)
        for place in range(count)
    }
    return {
        "programme": [{"programme": "study", "is_public": True, "min_cell": 1, "round_to": 1}],
        "sites": [
            {"site": site, "design": "cluster_rct", "eligible_count": int(eligible(first)[place])}
            for site, (_, place) in names.items()
        ],
        "site_stages": [
            {"site": site, "stage": stage, "from_date": _STARTED} for site, (stage, _) in names.items()
        ],
        "waves": [{"wave": WAVE, "wave_order": 1, "is_baseline": False}],
        "site_waves": [
            {"site": site, "wave": WAVE, "from_date": _STARTED, "closes_date": _CLOSED, "state": "closed"}
            for site in names
        ],
        "analyses": [_analysis(number, cell) for number, (cell, _) in drawn.items()],
        "analysis_waves": [{"analysis": f"cell_{number}", "wave": WAVE} for number in drawn],
        "indicators": [row for number, cell in _programmes(drawn) for row in _indicators(number, *cell)],
        "analysis_indicators": [
            {"analysis": f"cell_{number}", "indicator": row["indicator"]}
            for number, cell in _programmes(drawn)
            for row in _indicators(number, *cell)
        ],
    }


def _programmes(drawn: Numbered) -> Iterator[tuple[int, tuple[Cell, Draws]]]:
    yield from drawn.items()


def _indicators(number: int, cell: Cell, draws: Draws) -> Iterator[Row]:
    common = {
        "title": "Outcome",
        "unit": "sd",
        "statistic": "mean",
        "direction": "higher_is_better",
        "effect_scale": "difference",
        "smallest_effect": SMALLEST_SHARE * pilot_effect(cell),
        "retention_margin": MARGIN,
        "role": "exploratory",
        "resolution": RESOLUTION,
        "multiplier": 1.0,
    }
    names = draws.truth.select(indicator(number).alias("indicator")).unique(maintain_order=True)
    yield from ({"indicator": name, **common} for name in names["indicator"])


def _analysis(number: int, cell: Cell) -> Row:
    return {
        "analysis": f"cell_{number}",
        "title": "Simulated",
        "role": "headline",
        "registered_on": _STARTED,
        "treatment_arm": "treatment",
        "control_arm": "control",
        "round": "randomised",
        "is_randomised": True,
        "replacements": "exclude",
        "level": "site",
        "adjust": "block",
        "clusters": "cluster",
        "unit": cell.unit,
        "inference": "population_of_sites",
        "pilot_selection": "significant" if cell.is_selected else "none",
        "selection_sides": "one" if cell.is_selected else None,
        "selection_alpha": 0.025 if cell.is_selected else None,
        "analysis_order": number,
    }
