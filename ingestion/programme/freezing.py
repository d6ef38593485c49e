"""The frozen numbers of an index, reckoned from the people of one group, as YAML to be pasted.

In: the components' values of those people, one row each. Out: means, standard deviations and weights, and the
index's own mean and deviation among them. Nothing is written: a number is frozen when somebody registers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

IndexStatistic = Literal["index_klk", "index_anderson"]


class NotFrozen(Exception):
    """These people give no such numbers; the message says why and what to do."""


@dataclass(frozen=True)
class FrozenIndex:
    """What an index is reckoned with; lists in the order of the components."""

    means: list[float]
    sds: list[float]
    weights: list[float]
    mean: float
    sd: float
    counts: list[int]
    n: int


def frozen_index(
    values: np.ndarray, names: Sequence[str], signs: Sequence[int], statistic: IndexStatistic
) -> FrozenIndex:
    """Means and deviations of each component over those who have it; the rest over those who have all.

    Weights are 1 for index_klk; for index_anderson the row sums of the inverse covariance matrix of the
    oriented z-scores (Anderson 2008), by which components that repeat each other count less.

    Args:
        values: People x components, in the components' units; NaN where there is no value. Unweighted.
        names: The components, for messages.
        signs: 1, or -1 where more of a component is less of the index.
        statistic: Which index.

    Raises:
        NotFrozen: A component does not vary, too few people have all, or components determine each other.
    """
    is_told = ~np.isnan(values)
    for name, column, told in zip(names, values.T, is_told.T, strict=True):
        if told.sum() < 2 or np.ptp(column[told]) == 0:
            raise NotFrozen(f"{name} does not vary among them; choose another group or component")
    means, sds = np.nanmean(values, axis=0), np.nanstd(values, axis=0, ddof=1)
    complete = is_told.all(axis=1)
    if complete.sum() <= len(names):
        raise NotFrozen(
            f"only {complete.sum()} of them have a value of every component; choose a larger group"
        )
    z = np.asarray(signs) * (values[complete] - means) / sds
    weights = np.ones(len(names))
    if statistic == "index_anderson":
        covariance = np.cov(z, rowvar=False)
        if np.linalg.cond(covariance) > 1e12:
            raise NotFrozen("one component follows from the others; leave one of them out")
        weights = np.linalg.inv(covariance).sum(axis=1)
        if not weights.sum() > 0:
            raise NotFrozen(
                "the weights add up to nothing; leave out the component that goes against the others"
            )
    score = z @ weights / weights.sum()
    if not score.std(ddof=1) > 0:
        raise NotFrozen("the index does not vary among them; choose another group")
    return FrozenIndex(
        means=means.tolist(),
        sds=sds.tolist(),
        weights=weights.tolist(),
        mean=float(score.mean()),
        sd=float(score.std(ddof=1)),
        counts=is_told.sum(axis=0).tolist(),
        n=int(complete.sum()),
    )


def frozen_yaml(
    frozen: FrozenIndex,
    names: Sequence[str],
    signs: Sequence[int],
    statistic: IndexStatistic,
    day: str,
    ground: str,
) -> str:
    """The fields of indicators/INDEX.yml that these numbers fill."""
    lines = [f"statistic: {statistic}", "of_indicators:"]
    for place, name in enumerate(names):
        fields = [f"indicator: {name}", f"mean: {frozen.means[place]!r}", f"sd: {frozen.sds[place]!r}"]
        fields += [f"reversed: {str(signs[place] < 0).lower()}"]
        fields += [f"weight: {frozen.weights[place]!r}"] if statistic == "index_anderson" else []
        lines.append(f"  - {{{', '.join(fields)}}}  # n {frozen.counts[place]}")
    lines += [
        "standardised:",
        f"  mean: {frozen.mean!r}",
        f"  sd: {frozen.sd!r}",
        f"  frozen_on: {day}",
        f'  ground: "{ground}, n {frozen.n}"',
    ]
    return "\n".join(lines)
