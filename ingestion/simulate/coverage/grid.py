"""The fixed grid of the simulation study: what is varied, and the truths at which verdicts are counted.

In: nothing. Out: `GRID`, cells in a fixed order. Draws and models do not live here.

A verdict's error rate is largest at the boundary of its claim: `held` and `faded` where exactly the margin of
the pilot's effect is kept (retention 0.5), `reversed` where nothing is left (retention 0).
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal

MARGIN = 0.5
SMALLEST_SHARE = 0.25  # the smallest effect that matters, as a share of the pilot's true effect

Unit = Literal["site_mean", "person_weighted"]
UNITS: tuple[Unit, ...] = ("site_mean", "person_weighted")


@dataclass(frozen=True)
class Cell:
    """One combination, in outcome standard deviations.

    Attributes:
        group: what the cell is in the grid for.
        sites: sites per stage, but for the pilot where `pilots` says otherwise.
        clusters: clusters per arm and site, of 15 to 30 people.
        tau: standard deviation of true site effects within a stage.
        pilot_z: the pilot's true mean effect over its true standard error.
        retention: the scaled over the pilot's true mean effect.
        is_selected: only programmes whose pilot came out significant go on, and the analysis registers so.
        is_informative: larger sites have smaller effects, and more people in each cluster.
        is_skewed: people's outcomes are lognormal, not normal.
        unit: what counts alike, sites or eligible people.
        pilots: sites of the pilot, where they are fewer than the scaled ones.
    """

    group: str
    sites: int
    clusters: int
    tau: float
    pilot_z: float
    retention: float
    is_selected: bool = False
    is_informative: bool = False
    is_skewed: bool = False
    unit: Unit = "site_mean"
    pilots: int | None = None
    icc: float = 0.1

    @property
    def pilot_sites(self) -> int:
        """Sites of the pilot."""
        return self.pilots or self.sites

    def __str__(self) -> str:
        marks = {"selected": self.is_selected, "by size": self.is_informative, "skew": self.is_skewed}
        told = [name for name, is_so in marks.items() if is_so]
        told += ["by people"] if self.unit == "person_weighted" else []
        sides = f"{self.pilots}:{self.sites}" if self.pilots else f"{self.sites}"
        size = f"k={sides:<4} G={self.clusters:<2}"
        return " ".join((size, f"tau={self.tau:<3} z={self.pilot_z:g} R={self.retention:<3}", *told))

    @property
    def moments(self) -> int:
        """Clusters, so moments, of one programme."""
        return 2 * (self.pilot_sites + self.sites) * self.clusters

    def draws(self, programmes: int) -> int:
        """How many programmes to draw where so many are asked of the cells with the most moments.

        Up to four times as many where they cost little; many times as many where pilots are selected and
        most fall away.
        """
        of_one = _DRAWN_FOR_ONE[self.sites, self.pilot_z] if self.is_selected else 1
        return programmes * of_one * min(4, max(1, 400 // (of_one * self.moments)))

    @property
    def is_guarded(self) -> bool:
        """Whether the promise of at most 5% wrong verdicts is made here: five sites a side, no selection."""
        return self.pilot_sites >= 5 and not self.is_selected


# By sites and pilot_z: about how many programmes are drawn for each whose pilot comes out significant.
_DRAWN_FOR_ONE = {(1, 1.0): 5, (1, 2.0): 2, (1, 3.0): 1, (5, 1.0): 16, (5, 2.0): 4, (5, 3.0): 2}


def _cells() -> list[Cell]:
    boundaries = (0.0, 0.5, 1.0)
    cells = [
        Cell("plain", sites, clusters, tau, 4.0, retention)
        for sites, clusters, tau, retention in product((1, 3, 5, 10, 20), (4, 10), (0.0, 0.2), boundaries)
    ]
    cells += [
        Cell("strong pilot", sites, 10, 0.1, 8.0, retention)
        for sites, retention in product((5, 10), boundaries)
    ]
    cells += [
        Cell("selected pilot", sites, 10, 0.1, z, retention, is_selected=True)
        for sites, z, retention in product((1, 5), (1.0, 2.0, 3.0), (0.5, 1.0))
    ]
    cells += [
        Cell("few pilot sites", 10, 10, tau, 4.0, retention, pilots=pilots)
        for pilots, tau, retention in product((1, 2, 3), (0.1, 0.2), (0.0, 0.5))
    ]
    cells += [
        Cell("informative size", sites, 10, 0.1, 4.0, 0.5, is_informative=True, unit=unit)
        for sites, unit in product((5, 10), UNITS)
    ]
    cells += [
        Cell("skew", sites, clusters, 0.1, 4.0, retention, is_skewed=True)
        for sites, clusters, retention in product((5, 10), (4, 10), (0.0, 0.5))
    ]
    cells += [
        Cell("few clusters", sites, clusters, 0.1, 4.0, retention)
        for sites, clusters, retention in product((5, 10), (2, 3), (0.0, 0.5))
    ]
    return cells


GRID = _cells()
