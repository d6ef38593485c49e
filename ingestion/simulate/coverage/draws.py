"""Programmes drawn from a cell: moments of every cluster, and the truth behind them.

In: a cell, how many programmes, a random generator. Out: two tables. Nothing is estimated here.

A person's outcome is level of the site + effect of the site if treated + cluster + person, with a total
standard deviation of 1 within a site and arm. Normal people are drawn as their cluster's mean and sum of
squares (chi-square), skewed ones one by one (lognormal with a log standard deviation of 1, standardised).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.simulate.coverage.grid import Cell

STAGES = ("pilot", "scaled")
SMALLEST_CLUSTER, LARGEST_CLUSTER = 15, 30
SITE_LEVEL_SD = 0.3


@dataclass(frozen=True)
class Draws:
    """Moments and truths of some programmes of a cell.

    Attributes:
        moments: programme, stage, place (site within stage), arm, cluster, n, mean, sd.
        truth: programme, stage, place, effect (of the site), mean_effect (of all sites of such a stage).
    """

    moments: pl.DataFrame
    truth: pl.DataFrame


def eligible(cell: Cell) -> np.ndarray:
    """Eligible people by place: 1,000 at the smallest site to 4,000 at the largest."""
    return np.linspace(1000, 4000, cell.sites).round() if cell.sites > 1 else np.array([2500.0])


def draw(cell: Cell, programmes: int, random: np.random.Generator) -> Draws:
    """Draws programmes; the same generator state gives the same ones."""
    shape = (programmes, len(STAGES), cell.sites, 2, cell.clusters)
    n = random.integers(SMALLEST_CLUSTER, LARGEST_CLUSTER + 1, shape)
    if cell.is_informative:
        share = eligible(cell) / eligible(cell).mean()
        n = np.maximum(2, np.rint(n * share[None, None, :, None, None])).astype(n.dtype)
    pilot = pilot_effect(cell)
    mean_effect = np.array([pilot, cell.retention * pilot])[None, :, None] * np.ones(shape[:3])
    effect = mean_effect + cell.tau * random.standard_normal(shape[:3]) + _by_size(cell)
    level = SITE_LEVEL_SD * random.standard_normal(shape[:3])
    arm = np.arange(2)[None, None, None, :, None]
    centre = level[..., None, None] + effect[..., None, None] * arm
    people_mean, people_sd = _people(cell, n, random)
    mean = centre + np.sqrt(cell.icc) * random.standard_normal(shape) + people_mean
    place = [index.ravel() for index in np.indices(shape)]
    names = ("programme", "stage", "place", "arm", "cluster")
    moments = pl.DataFrame(dict(zip(names, place, strict=True))).with_columns(
        n=pl.Series(n.ravel()), mean=pl.Series(mean.ravel()), sd=pl.Series(people_sd.ravel())
    )
    place = [index.ravel() for index in np.indices(shape[:3])]
    truth = pl.DataFrame(dict(zip(names[:3], place, strict=True))).with_columns(
        effect=pl.Series(effect.ravel()), mean_effect=pl.Series(mean_effect.ravel())
    )
    is_there = (pl.col("stage") > 0) | (pl.col("place") < cell.pilot_sites)
    return Draws(moments.filter(is_there), truth.filter(is_there))


def pilot_effect(cell: Cell) -> float:
    """The pilot's true mean effect: `pilot_z` times the standard error that knows every variance."""
    n = np.arange(SMALLEST_CLUSTER, LARGEST_CLUSTER + 1)
    of_an_arm = (cell.icc * (n**2).mean() + (1 - cell.icc) * n.mean()) / n.mean() ** 2 / cell.clusters
    return float(cell.pilot_z * np.sqrt((cell.tau**2 + 2 * of_an_arm) / cell.pilot_sites))


def _by_size(cell: Cell) -> np.ndarray:
    """What size adds to each place's effect; centred, so that the mean over sites stays the cell's."""
    if not cell.is_informative:
        return np.zeros(cell.sites)
    people = eligible(cell)
    return np.asarray(-max(cell.tau, 0.1) * (people - people.mean()) / people.std())


def _people(cell: Cell, n: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the people of every cluster, around the cluster's own level."""
    scale = np.sqrt(1 - cell.icc)
    if not cell.is_skewed:
        mean = scale * random.standard_normal(n.shape) / np.sqrt(n)
        return mean, scale * np.sqrt(random.chisquare(n - 1) / (n - 1))
    people = random.lognormal(0.0, 1.0, (*n.shape, LARGEST_CLUSTER))
    people = scale * (people - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
    people[np.arange(LARGEST_CLUSTER) >= n[..., None]] = np.nan
    return np.nanmean(people, -1), np.nanstd(people, -1, ddof=1)
