"""What the simulator knows and the pipeline must find: effects planted, children's true values, faults.

In: the population, the recorded interviews and the ledger. Out: `Truth` and its two files,
truth/truth.json and truth/children.csv. Nothing here reads an export.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from ingestion.simulate import story
from ingestion.simulate.people import INDICATORS, REVERSED_ITEM, SCALE_ITEMS, Population

MIN_ANSWERED = 4


@dataclass(frozen=True)
class Truth:
    """What was planted.

    Attributes:
        seed, sites, respondents, as_of: what the programme was made from.
        indicators: indicator -> pilot, scale_pilot, scaled (mean true endline effect), retention and measure,
            in the indicator's unit (SD for hedges_g); the site effects of a stage average to its figure.
        site_effects: site -> indicator -> true endline effect.
        withheld_site, warned_site: the scaled site whose endline must not be published, and the one with a
            milder fault; None in a programme too small for them.
        faults: fault, source, site, wave, count; `*` stands for every site or wave.
        files: source, path (a zip's entry after `!`), rows of data.
    """

    seed: int
    sites: dict[str, int]
    respondents: int
    as_of: str
    indicators: dict[str, dict[str, float | str]]
    site_effects: dict[str, dict[str, float]]
    withheld_site: str | None
    warned_site: str | None
    faults: list[dict[str, str | int]]
    files: list[dict[str, str | int]]

    def count(
        self, fault: str, source: str | None = None, site: str | None = None, wave: str | None = None
    ) -> int:
        """How often a fault was planted, over the sources, sites and waves not named."""
        wanted = {"source": source, "site": site, "wave": wave}
        return sum(
            int(entry["count"])
            for entry in self.faults
            if entry["fault"] == fault and all(value in (None, entry[key]) for key, value in wanted.items())
        )

    @staticmethod
    def read(folder: Path) -> "Truth":
        """The truth written beside a simulated programme's exports."""
        return Truth(**json.loads((folder / "truth" / "truth.json").read_text("utf-8")))

    def json_bytes(self) -> bytes:
        """The truth as indented JSON."""
        return (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode()


def planted_indicators() -> dict[str, dict[str, float | str]]:
    """The planted mean effects by stage."""
    return {
        name: {**planted.by_stage, "retention": planted.scaled_share, "measure": planted.measure}
        for name, planted in story.PLANTED.items()
    }


def effects_by_site(population: Population, places: list[story.Place]) -> dict[str, dict[str, float]]:
    """True endline effect per site and indicator."""
    return {
        place.site: {
            name: float(population.effects[place.order, kind]) for kind, name in enumerate(INDICATORS)
        }
        for place in places
    }


def children_table(
    population: Population, places: list[story.Place], visits: pl.DataFrame, recorded: pl.DataFrame
) -> pl.DataFrame:
    """One row per child and wave visited: its place in the frame, the visit's result, and its true values.

    A value is null where no interview was made or the question was not answered; values are what a faultless
    export would have given, also at the site with bad data. Absence is events and exposure, in days.
    """
    steps = {wave: step for step, wave in enumerate(story.WAVES)}
    names = pl.DataFrame(
        [
            {"site": place.order, "name": place.site, "stage": place.stage, "platform": place.platform}
            for place in places
        ]
    )
    children = population.children.join(names, on="site", how="left", maintain_order="left")
    values = recorded.select("child", "wave", *_values(places))
    rows = visits.join(children.drop("site"), on="child", how="left", maintain_order="left")
    rows = rows.join(values, on=["child", "wave"], how="left", maintain_order="left")
    step = pl.col("wave").replace_strict(steps, return_dtype=pl.Int64)
    return rows.sort(step, "child").select(
        "child_id",
        "wave",
        "stage",
        "platform",
        "village",
        "block",
        "replaces",
        "reading_proficient_pct",
        "reading_score",
        "learning_spend",
        "absence_events",
        "absence_exposure",
        "confidence_score",
        site=pl.col("name"),
        arm=pl.when(pl.col("is_treated")).then(pl.lit("treatment")).otherwise(pl.lit("control")),
        female=pl.when(pl.col("is_female")).then(pl.lit("female")).otherwise(pl.lit("male")),
        disposition=pl.col("result"),
    )


def _values(places: list[story.Place]) -> list[pl.Expr]:
    def known(name: str) -> pl.Expr:
        return pl.when(pl.col(name) >= 0).then(pl.col(name))

    up, down = (
        pl.col("site").replace_strict(
            {place.order: story.CENTS_PER_LOCAL[place.country][part] for place in places}
        )
        for part in (0, 1)
    )
    # Whole numbers throughout: half a cent, or half a hundredth of a point, is rounded away from zero.
    cents = (2 * known("spend") * up + down) // (2 * down)
    turned = [6 - known(item) if item == REVERSED_ITEM else known(item) for item in SCALE_ITEMS]
    answered = pl.sum_horizontal([item.is_not_null().cast(pl.Int64) for item in turned])
    hundredths = (200 * pl.sum_horizontal(turned) + answered) // (2 * answered)
    is_rate = (pl.col("absent_days") >= 0) & (pl.col("school_days") > 0)
    return [
        (100 * known("reads")).alias("reading_proficient_pct"),
        known("words").alias("reading_score"),
        _two_places(cents).alias("learning_spend"),
        pl.when(is_rate).then("absent_days").alias("absence_events"),
        pl.when(is_rate).then("school_days").alias("absence_exposure"),
        pl.when(answered >= MIN_ANSWERED).then(_two_places(hundredths)).alias("confidence_score"),
    ]


def _two_places(hundredths: pl.Expr) -> pl.Expr:
    """Hundredths, 0 or more, as decimal text, which a floating number would not be."""
    return pl.format("{}.{}", hundredths // 100, (hundredths % 100).cast(pl.String).str.zfill(2))
