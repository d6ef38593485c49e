"""Children, villages and what is true of them: the frame, the effects and every child's answers.

In: sites, numbers and a random generator. Out: `Population`, with one row per listed child and one per child
and wave (polars frames). Who is interviewed, faults and files do not live here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtr

from ingestion.simulate import story

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

INDICATORS = tuple(story.PLANTED)
SCALE_ITEMS = ("c1", "c2", "c3", "c4", "c5")
REVERSED_ITEM = "c4"
ANSWERS = ("reads", "words", "school_days", "absent_days", "spend", *SCALE_ITEMS)


@dataclass(frozen=True)
class Population:
    """The people of a programme.

    `children`: child (row number), child_id, site (order), code, village, block, is_treated, is_female, age,
    replaces (child_id or null). `answers`: child, wave, the columns of `ANSWERS` as integers (spend in local
    money per month, reads 0/1). `effects`: true effects, sites x indicators, in the indicators' units.
    """

    children: pl.DataFrame
    answers: pl.DataFrame
    effects: Floats


def site_effects(sites: Sequence[story.Place], rng: np.random.Generator) -> Floats:
    """True endline effects (sites x indicators), centred so that each stage's mean is the planted one."""
    spread = rng.standard_normal((len(sites), len(INDICATORS)))
    for stage in story.STAGES:
        rows = [place.order for place in sites if place.stage == stage]
        if rows:
            spread[rows] -= spread[rows].mean(axis=0)
    planted = np.array(
        [[story.PLANTED[name].by_stage[place.stage] for name in INDICATORS] for place in sites]
    )
    pilot = np.array([abs(story.PLANTED[name].pilot) for name in INDICATORS])
    effects: Floats = planted + spread * pilot * story.EFFECT_SPREAD
    return effects


def list_children(sites: Sequence[story.Place], respondents: int, rng: np.random.Generator) -> pl.DataFrame:
    """The listing with its assignment: villages within blocks of a site, half of each block's treated."""
    is_large = respondents >= story.MANY_FROM_RESPONDENTS
    villages = story.MANY_VILLAGES if is_large else story.FEW_VILLAGES
    per_block = villages // story.BLOCKS
    replaced = max(1, round(respondents * 0.02))
    size = respondents + replaced

    # One shuffled half-and-half draw per site and block: the rank of a random number within the block.
    ranks = rng.random((len(sites), story.BLOCKS, per_block)).argsort(axis=2).argsort(axis=2)
    treated = (ranks < per_block // 2).reshape(len(sites), villages)

    own = np.arange(respondents) * villages // respondents
    leavers = np.stack([rng.choice(respondents, replaced, replace=False) for _ in sites])
    village = np.concatenate([np.tile(own, (len(sites), 1)), own[leavers]], axis=1)
    site = np.repeat(np.arange(len(sites)), size)
    number = np.tile(np.arange(1, size + 1), len(sites))
    first_of_site = np.arange(len(sites))[:, None] * size
    replaces = np.full((len(sites), size), -1)
    replaces[:, respondents:] = first_of_site + leavers
    flat = village.ravel()
    codes = np.array([place.code for place in sites])[site]
    return (
        pl.DataFrame(
            {
                "child": np.arange(site.size),
                "site": site,
                "code": codes,
                "number": number,
                "village_number": flat + 1,
                "block_number": flat // per_block + 1,
                "is_treated": treated[site, flat],
                "is_female": rng.random(site.size) < 0.5,
                "age": rng.integers(7, 12, site.size),
                "replaced_child": replaces.ravel(),
            }
        )
        .with_columns(
            child_id=pl.format("{}-{}", "code", pl.col("number").cast(pl.String).str.zfill(4)),
            village=pl.format("{}-V{}", "code", pl.col("village_number").cast(pl.String).str.zfill(2)),
            block=pl.format("{}-B{}", "code", "block_number"),
        )
        .with_columns(
            replaces=pl.when(pl.col("replaced_child") >= 0).then(
                pl.col("child_id").gather(pl.col("replaced_child").clip(lower_bound=0))
            )
        )
    )


def _latents(children: pl.DataFrame, rng: np.random.Generator) -> Floats:
    """Standard normal scores, waves x children x indicators, correlated within block, village and child."""
    site = children["site"].to_numpy()
    village = site * story.MANY_VILLAGES + children["village_number"].to_numpy() - 1
    block = site * story.BLOCKS + children["block_number"].to_numpy() - 1
    kinds = len(INDICATORS)
    shared = np.sqrt(story.BLOCK_SHARE) * rng.standard_normal((block.max() + 1, kinds))[block]
    shared = shared + np.sqrt(story.VILLAGE_SHARE) * rng.standard_normal((village.max() + 1, kinds))[village]
    child = np.sqrt(story.CHILD_CORRELATION) * rng.standard_normal((site.size, kinds))
    day = rng.standard_normal((len(story.WAVES), site.size, kinds)) * np.sqrt(1 - story.CHILD_CORRELATION)
    rest = 1 - story.BLOCK_SHARE - story.VILLAGE_SHARE
    scores: Floats = shared + np.sqrt(rest) * (child + day)
    return scores


def _answers(z: Floats, effect: Floats, site: Floats, wave: int, rng: np.random.Generator) -> dict[str, Ints]:
    """One wave's answers in whole units; spend in US cents per month.

    `z` and `effect` are children x indicators, `site` the site's level in outcome SDs, children x indicators.
    """
    share = np.clip((15.0, 25.0, 30.0)[wave] + 4 * site[:, 0] + effect[:, 0], 2, 98) / 100
    reads = ndtr(z[:, 0]) < share
    words = np.clip(np.rint((24.0, 44.0, 50.0)[wave] + 3 * site[:, 1] + effect[:, 1] + 17 * z[:, 1]), 0, 190)
    # Log-normal frailties of mean 1: skewed money and over-dispersed absence, with the planted means.
    frailty = np.exp(0.5 * z - 0.125)
    cents = 100 * ((9.0, 10.0, 10.5)[wave] + 0.6 * site[:, 2] + effect[:, 2]) * frailty[:, 2]
    days = rng.integers(40, 61, len(z))
    rate = np.maximum((13.0, 12.0, 12.0)[wave] + 0.5 * site[:, 3] + effect[:, 3], 0.5) / 100
    absent = np.minimum(rng.poisson(rate * frailty[:, 3] * days), days)
    # The scale score's SD is about 0.84: the effect in SDs is planted on the feeling behind the items.
    feeling = 0.8 * z[:, 4] + 0.84 * effect[:, 4] + 0.1 * site[:, 4]
    items: dict[str, Ints] = {}
    for item in SCALE_ITEMS:
        score = np.clip(np.rint(3 + feeling + 0.6 * rng.standard_normal(len(z))), 1, 5).astype(np.int64)
        items[item] = 6 - score if item == REVERSED_ITEM else score
    return {
        "reads": reads.astype(np.int64),
        "words": words.astype(np.int64),
        "school_days": days,
        "absent_days": absent,
        "spend": cents.astype(np.int64),
        **items,
    }


def _local_money(cents: Ints, country: Sequence[str]) -> Ints:
    """Cents as local money, rounded to the coins people speak in."""
    table = {code: (*story.CENTS_PER_LOCAL[code], story.LOCAL_STEP[code]) for code in story.CENTS_PER_LOCAL}
    up, down, step = (np.array([table[code][part] for code in country]) for part in range(3))
    local: Ints = np.rint(cents * down / up / step).astype(np.int64) * step
    return local


def populate(sites: Sequence[story.Place], respondents: int, seed: int) -> Population:
    """The people of a programme with `respondents` listed children per site; one seed, one population."""
    streams = [
        np.random.Generator(np.random.PCG64(part)) for part in np.random.SeedSequence([seed, 1]).spawn(4)
    ]
    effects = site_effects(sites, streams[0])
    children = list_children(sites, respondents, streams[1])
    latents = _latents(children, streams[2])
    site = children["site"].to_numpy()
    level = streams[3].standard_normal((len(sites), len(INDICATORS)))[site]
    treated = children["is_treated"].to_numpy()[:, None]
    country = [sites[order].country for order in site]
    waves = []
    for wave, name in enumerate(story.WAVES):
        kept = (0.0, 1.0, story.FOLLOWUP_SHARE)[wave]
        answers = _answers(latents[wave], kept * effects[site] * treated, level, wave, streams[3])
        answers["spend"] = _local_money(answers["spend"], country)
        identity = {"child": children["child"], "wave": pl.repeat(name, len(children), eager=True)}
        waves.append(pl.DataFrame(identity | {key: answers[key] for key in ANSWERS}))
    return Population(children, pl.concat(waves), effects)
