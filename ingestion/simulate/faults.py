"""The planted faults: what goes wrong between a child and an export, each counted in the ledger.

In: clean submissions, the sites and a random generator. Out: submissions with faults. What the platforms' own
files add (files exported twice, renamed questions, drifting columns) is planted by their writers, not here.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

import numpy as np
import polars as pl

from ingestion.simulate import story
from ingestion.simulate.ledger import Ledger
from ingestion.simulate.people import SCALE_ITEMS

DONT_KNOW, REFUSED = -99, -88
MISSING_SHARES = {"reads": 0.004, "words": 0.006, "absent_days": 0.008, "spend": 0.03} | dict.fromkeys(
    SCALE_ITEMS, 0.01
)
BLANK_SHARE = 0.005
DOUBLE_SHARE, ABSURD_SHARE, WRONG_AGE_SHARE = 0.35, 0.30, 0.07
PRACTICE_DAYS, PRACTICE_ROWS = 20, 3


def hide_answers(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Missing codes in answers, and some spending left blank; counted at the end, by `count_hidden`."""
    hidden = {}
    for name, share in MISSING_SHARES.items():
        draw = pl.lit(rng.random(len(rows)))
        codes = pl.when(draw < share / 2).then(DONT_KNOW).when(draw < share).then(REFUSED)
        hidden[name] = codes.otherwise(pl.col(name))
    answered = pl.lit(rng.random(len(rows)) >= BLANK_SHARE)
    return rows.with_columns(**hidden).with_columns(spend=pl.when(answered).then(pl.col("spend")))


def count_hidden(rows: pl.DataFrame, ledger: Ledger) -> None:
    """Enters missing codes and blanks as the exports hold them: each submission once, practice apart."""
    held = rows.filter(pl.col("kind") != "practice")
    for code, fault in ((DONT_KNOW, "missing_code_dont_know"), (REFUSED, "missing_code_refused")):
        hits = pl.sum_horizontal([(pl.col(name) == code).cast(pl.Int64) for name in MISSING_SHARES])
        ledger.count(fault, held.with_columns(hits=hits), "hits")
    ledger.count("blank_answer", held.filter(pl.col("spend").is_null() & (pl.col("kind") != "refusal")))


def wander(rows: pl.DataFrame, ledger: Ledger, rng: np.random.Generator) -> pl.DataFrame:
    """Children interviewed in another village, or at another site of the same stage and platform."""
    others = _neighbours(ledger.sites)
    draw = rng.random(len(rows))
    after_baseline = (rows["wave"] != "baseline").to_numpy()
    neighbour = np.array(others)[rows["site"].to_numpy()]
    changed_site = (draw < 0.01) & after_baseline & (neighbour >= 0)
    changed_village = (draw < 0.03) & after_baseline & ~changed_site
    code = pl.Series([place.code for place in ledger.sites])
    found = np.where(changed_site, neighbour, rows["site"].to_numpy())
    rows = rows.with_columns(
        found=pl.lit(found),
        site_code=pl.lit(code.gather(found)),
        village=pl.when(pl.lit(changed_site | changed_village))
        .then(pl.format("{}-V{}", pl.lit(code.gather(found)), _next_village(pl.col("village"))))
        .otherwise(pl.col("village")),
    )
    ledger.count("moved_to_another_site", rows.filter(changed_site))
    ledger.count("moved_to_another_village", rows.filter(changed_village))
    return rows


def _next_village(village: pl.Expr) -> pl.Expr:
    number = village.str.slice(-2).cast(pl.Int64) % story.FEW_VILLAGES + 1
    return number.cast(pl.String).str.zfill(2)


def _neighbours(sites: Sequence[story.Place]) -> list[int]:
    """For each site the next of its stage and platform, or -1; the site with bad data is left alone."""
    bad, _ = story.bad_places(sites)
    result = []
    for place in sites:
        same = [
            other.order
            for other in sites
            if (other.stage, other.platform) == (place.stage, place.platform) and other is not bad
        ]
        can_move = place.order in same and len(same) > 1 and place.platform != "redcap"
        result.append(same[(same.index(place.order) + 1) % len(same)] if can_move else -1)
    return result


def spoil_sites(rows: pl.DataFrame, ledger: Ledger, rng: np.random.Generator) -> pl.DataFrame:
    """The endline that must not be published (children doubled, absurd values), and a milder fault."""
    bad, milder = story.bad_places(ledger.sites)
    if bad is None or milder is None:
        return rows
    endline = pl.col("wave") == "endline"
    here = rows.select(endline & (pl.col("found") == bad.order)).to_series().to_numpy()
    is_answered = rows.select((pl.col("words") >= 0) & (pl.col("absent_days") >= 0)).to_series().to_numpy()
    absurd = here & is_answered & (rng.random(len(rows)) < ABSURD_SHARE)
    there = rows.select(endline & (pl.col("found") == milder.order)).to_series().to_numpy()
    wrong_age = there & (rng.random(len(rows)) < WRONG_AGE_SHARE)
    rows = rows.with_columns(
        words=pl.when(pl.lit(absurd)).then(pl.lit(rng.integers(301, 999, len(rows)))).otherwise("words"),
        absent_days=pl.when(pl.lit(absurd))
        .then(pl.lit(rng.integers(70, 99, len(rows))))
        .otherwise("absent_days"),
        age=pl.when(pl.lit(wrong_age)).then(pl.lit(rng.integers(61, 99, len(rows)))).otherwise("age"),
    )
    ledger.count("absurd_values", rows.filter(absurd))
    ledger.count("age_out_of_range", rows.filter(wrong_age))
    doubled = rows.filter(here & (rng.random(len(rows)) < DOUBLE_SHARE))
    if doubled.is_empty():
        doubled = rows.filter(here).head(1)
    shift = pl.duration(minutes=pl.lit(rng.integers(20, 90, len(doubled))))
    doubled = doubled.with_columns(
        kind=pl.lit("double"),
        started=pl.col("started") + shift,
        submitted=pl.col("submitted") + shift,
        words=pl.when(pl.col("words") >= 0)
        .then(pl.col("words") + pl.lit(rng.integers(1, 30, len(doubled))))
        .otherwise("words"),
    )
    ledger.count("child_interviewed_twice", doubled)
    return pl.concat([rows, doubled])


def add_strangers(rows: pl.DataFrame, ledger: Ledger, rng: np.random.Generator) -> pl.DataFrame:
    """Interviews of children whom no listing knows: at least one per source and wave."""
    platform = pl.Series([place.platform for place in ledger.sites])
    keyed = rows.with_columns(platform=platform.gather(rows["found"]))
    parts = []
    for _, group in keyed.group_by("platform", "wave", maintain_order=True):
        number = max(1, round(len(group) * 0.002))
        picked = group[np.sort(rng.choice(len(group), number, replace=False))]
        parts.append(
            picked.drop("platform").with_columns(
                child=pl.lit(-1, pl.Int64),
                kind=pl.lit("stranger"),
                unit=pl.format("{}-{}", pl.col("site_code"), 9001 + pl.int_range(pl.len())),
                child_name=pl.lit("Visitor Unknown"),
            )
        )
    strangers = pl.concat(parts)
    ledger.count("not_in_frame", strangers)
    return pl.concat([rows, strangers])


def add_practice(rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """Trial runs of a form, before the accepted dates, under the ids of real children."""
    parts = []
    for platform in ("kobo", "odk", "surveycto"):
        waves = story.WAVES if platform != "surveycto" else story.WAVES[:1]
        for wave in waves:
            first, order = story.first_day(ledger.sites, platform, wave) or (None, -1)
            trial = rows.filter((pl.col("wave") == wave) & (pl.col("found") == order)).head(PRACTICE_ROWS)
            if first is None or trial.is_empty():
                continue
            start = datetime.combine(first, time(8)) - timedelta(days=PRACTICE_DAYS)
            parts.append(
                trial.with_columns(
                    kind=pl.lit("practice"),
                    started=pl.lit(start) + pl.duration(hours=pl.int_range(pl.len())),
                    submitted=pl.lit(start) + pl.duration(hours=pl.int_range(pl.len()), minutes=25),
                )
            )
    if not parts:
        return rows
    practice = pl.concat(parts)
    ledger.count("practice_submission", practice)
    return pl.concat([rows, practice])


def mark_edits(rows: pl.DataFrame, ledger: Ledger, rng: np.random.Generator) -> pl.DataFrame:
    """Interviews corrected after they were sent: `words_draft` is what the first version said."""
    platform = pl.Series([place.platform for place in ledger.sites]).gather(rows["found"])
    can_edit = platform.is_in(["kobo", "odk"]).to_numpy() & (rows["kind"] == "interview").to_numpy()
    edited = can_edit & (rng.random(len(rows)) < 0.015) & (rows["words"].fill_null(-1) >= 0).to_numpy()
    draft = pl.col("words") + pl.lit(rng.integers(5, 40, len(rows)))
    return rows.with_columns(is_edited=pl.lit(edited), words_draft=pl.when(pl.lit(edited)).then(draft))


def untidy(rows: pl.DataFrame, ledger: Ledger, rng: np.random.Generator) -> pl.DataFrame:
    """Child and site codes typed in lower case with stray spaces; the same codes to a tidy reader."""
    on_phone = pl.Series([place.platform in ("kobo", "surveycto") for place in ledger.sites]).gather(
        rows["found"]
    )
    sloppy = (rng.random(len(rows)) < 0.01) & (on_phone & (rows["kind"] == "interview")).to_numpy()
    rows = rows.with_columns(
        unit=pl.when(pl.lit(sloppy))
        .then(pl.col("unit").str.to_lowercase().str.replace("-", " -"))
        .otherwise("unit"),
        site_code=pl.when(pl.lit(sloppy)).then(pl.col("site_code").str.to_lowercase()).otherwise("site_code"),
    )
    ledger.count("untidy_id", rows.filter(sloppy))
    return rows
