"""Fieldwork: who was found in which wave, with what result, and the interviews that came of it.

In: the population, the sites and a random generator. Out: visits (one row per child and wave attempted) and
submissions (one row per interview), as polars frames. Faults and the platforms' shapes do not live here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time

import numpy as np
import polars as pl

from ingestion.simulate import story
from ingestion.simulate.people import Population

# Codes of a visit's result, as the tracking sheet and the ODK form write them.
RESULTS = {"complete": 1, "refused": 2, "moved": 3, "dead": 4, "not_found": 5}
# How an original fares at baseline and later; the first is `complete`.
FATES = ("complete", "refused", "moved", "dead", "not_found")
FATE_SHARES = {"baseline": (0.975, 0.01, 0.0, 0.0, 0.015), "later": (0.95, 0.013, 0.02, 0.002, 0.015)}
REPLACED_SHARES = (0.0, 0.3, 0.4, 0.0, 0.3)

FIRST_NAMES = (
    "Achieng",
    "Otieno",
    "Wanjiru",
    "Kamau",
    "Nekesa",
    "Wafula",
    "Nabwire",
    "Okello",
    "Akello",
    "Mugisha",
)
LAST_NAMES = (
    "Odhiambo",
    "Njoroge",
    "Barasa",
    "Chebet",
    "Kiprono",
    "Namubiru",
    "Ochieng",
    "Tumusiime",
    "Auma",
)
LANGUAGES = ("english", "swahili", "luo", "luganda")


def draw_fates(population: Population, rng: np.random.Generator) -> pl.DataFrame:
    """One row per child and wave: child, wave, result (what the visit comes to, if it is made)."""
    children = population.children
    names = np.array(FATES)
    original = children["replaced_child"].to_numpy()
    is_replaced = np.zeros(len(children), dtype=bool)
    is_replaced[original[original >= 0]] = True
    lost = rng.choice(names, len(children), p=REPLACED_SHARES)
    is_dead = np.zeros(len(children), dtype=bool)
    waves = []
    for wave in story.WAVES:
        shares = FATE_SHARES.get(wave, FATE_SHARES["later"])
        fate = np.where(is_replaced, lost, rng.choice(names, len(children), p=shares))
        fate = np.where(is_dead, "dead", fate)
        is_dead = fate == "dead"
        waves.append(
            pl.DataFrame({"child": children["child"], "result": fate}).with_columns(wave=pl.lit(wave))
        )
    return pl.concat(waves)


def draw_visits(
    population: Population, sites: Sequence[story.Place], rng: np.random.Generator
) -> pl.DataFrame:
    """The visits made before the as-of date: child, wave, site, result, visited (UTC)."""
    table = pl.DataFrame(
        [
            {"site": place.order, "wave": wave, "first": first, "length": (last - first).days + 1}
            for place in sites
            for wave in story.WAVES
            for first, last in [place.days(wave)]
        ]
    )
    fates = draw_fates(population, rng)
    planned = fates.join(
        population.children.select("child", "site"), on="child", how="left", maintain_order="left"
    )
    planned = planned.join(table, on=["site", "wave"], how="left", maintain_order="left")
    day = (rng.random(len(planned)) * planned["length"].to_numpy()).astype(np.int64)
    second = rng.integers(5 * 3600, 14 * 3600, len(planned))
    visited = pl.col("first").cast(pl.Datetime("us")) + pl.duration(days=pl.lit(day), seconds=pl.lit(second))
    cut = datetime.combine(story.AS_OF, time(), UTC).replace(tzinfo=None)
    made = planned.with_columns(visited=visited).filter(pl.col("visited") < cut)
    return made.select("child", "wave", "site", "result", "visited")


def interview(
    population: Population, sites: Sequence[story.Place], visits: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """One row per completed interview, in the order of visits, with its answers and the personal columns.

    Columns: child, wave, site (home), found (site where it was made), unit, site_code, village, kind, result,
    started, submitted (UTC), age, sex, languages (bit mask), the answers, words_draft (before an edit, else
    null), is_edited, and child_name, phone, latitude, longitude, members.
    """
    complete = visits.filter(pl.col("result") == "complete").drop("result")
    people = population.children.select("child", "child_id", "code", "village", "is_female", "age")
    rows = complete.join(people, on="child", how="left", maintain_order="left")
    rows = rows.join(population.answers, on=["child", "wave"], how="left", maintain_order="left")
    years = pl.col("wave").replace_strict(
        {wave: step for step, wave in enumerate(story.WAVES)}, return_dtype=pl.Int64
    )
    size = len(rows)
    minutes = rng.integers(12, 41, size)
    latitude = np.array([0.5 + 0.11 * place.order for place in sites])[rows["site"].to_numpy()]
    longitude = np.array([33.5 + 0.07 * place.order for place in sites])[rows["site"].to_numpy()]
    return rows.select(
        "child",
        "wave",
        "site",
        found=pl.col("site"),
        unit=pl.col("child_id"),
        site_code=pl.col("code"),
        village=pl.col("village"),
        kind=pl.lit("interview"),
        result=pl.lit(RESULTS["complete"], pl.Int64),
        started=pl.col("visited"),
        submitted=pl.col("visited") + pl.duration(minutes=pl.lit(minutes)),
        age=pl.col("age") + years,
        sex=pl.when(pl.col("is_female")).then(2).otherwise(1).cast(pl.Int64),
        languages=pl.lit(rng.integers(1, 2 ** len(LANGUAGES), size)),
        **{name: pl.col(name) for name in population.answers.columns if name not in ("child", "wave")},
        words_draft=pl.lit(None, pl.Int64),
        is_edited=pl.lit(False),
        child_name=_names(pl.col("child")),
        phone=pl.format("0700 000 {}", (pl.col("child") % 1000).cast(pl.String).str.zfill(3)),
        latitude=pl.lit(np.round(latitude + 0.05 * rng.standard_normal(size), 6)),
        longitude=pl.lit(np.round(longitude + 0.05 * rng.standard_normal(size), 6)),
        members=pl.lit(rng.integers(0, 4, size)),
    )


def refusals(population: Population, visits: pl.DataFrame, sites: Sequence[story.Place]) -> pl.DataFrame:
    """Submissions without answers: ODK's form asks for the result, REDCap keeps the unfinished form."""
    asking = [place.order for place in sites if place.platform in ("odk", "redcap")]
    refused = visits.filter((pl.col("result") == "refused") & pl.col("site").is_in(asking))
    people = population.children.select("child", "child_id", "code", "village")
    return refused.join(people, on="child", how="left", maintain_order="left").select(
        "child",
        "wave",
        "site",
        found=pl.col("site"),
        unit=pl.col("child_id"),
        site_code=pl.col("code"),
        village=pl.col("village"),
        kind=pl.lit("refusal"),
        result=pl.lit(RESULTS["refused"], pl.Int64),
        started=pl.col("visited"),
        submitted=pl.col("visited") + pl.duration(minutes=3),
        is_edited=pl.lit(False),
        members=pl.lit(0, pl.Int64),
    )


def _names(child: pl.Expr) -> pl.Expr:
    first = pl.lit(pl.Series(FIRST_NAMES)).gather(child % len(FIRST_NAMES))
    last = pl.lit(pl.Series(LAST_NAMES)).gather(child // 7 % len(LAST_NAMES))
    return pl.format("{} {}", first, last)
