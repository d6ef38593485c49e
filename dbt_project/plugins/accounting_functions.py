"""How much of a drop between stages goes with what the sites tell of themselves, as an SQL function.

In: one list per trait, one element a site. Out: parts and variances. Which sites stand in, and the words in
which the parts are told, is decided in the models.

Function:
    drop_parts(y, is_scaled, weight, predicted, fidelity, implementer): see `drop_parts`.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.sqltypes import BOOLEAN, DOUBLE, VARCHAR

ESTIMATED, UNKNOWN, ONLY_BETWEEN, TOO_FEW = 0.0, 1.0, 2.0, 3.0
_SITES_A_SLOPE = 10


def drop_parts(
    y: Sequence[float],
    is_scaled: Sequence[bool],
    weight: Sequence[float],
    predicted: Sequence[float | None] | None,
    fidelity: Sequence[float | None],
    implementer: Sequence[str | None],
) -> list[float]:
    """Parts of the difference between stages that go with composition, fidelity and implementer.

    What a set of traits accounts for is the difference between the stages' means of what the sites are
    predicted by it: composition by the pilot's effects in the cells of people each site has; fidelity and
    implementer by slopes within stages (least squares with an intercept a stage) of the effects, less their
    prediction by composition where that is in the set. Each part is the mean over all orders in which traits
    may enter (Shapley 1953): no order decides, and parts add up. A trait that some site does not tell, that
    changes only together with the stage, or that has fewer than ten sites a slope has no part.

    Args:
        y: Effects of the sites.
        is_scaled: Their stage.
        weight: Weight of each in its stage's mean.
        predicted: Effect of the pilot's cells of people at each site's shares, or None.
        fidelity: A number a site.
        implementer: A word a site.

    Returns:
        composition, fidelity, implementer (nan without a part); variances of the last two and of their sum,
        from the regression's residuals; its degrees of freedom; what came of fidelity and of implementer: 0 a
        part, 1 not told everywhere, 2 only between stages, 3 too few sites.
    """
    effects, scaled = np.asarray(y, dtype=float), np.asarray(is_scaled, dtype=bool)
    shares = np.asarray(weight, dtype=float)
    contrast = np.where(scaled, shares / shares[scaled].sum(), -shares / shares[~scaled].sum())
    within = np.eye(len(effects)) - sum(
        np.outer(one, one) / one.sum() for one in (scaled * 1.0, ~scaled * 1.0)
    )
    columns, state = {}, {"fidelity": UNKNOWN, "implementer": UNKNOWN}
    for trait, values in (("fidelity", fidelity), ("implementer", implementer)):
        if None not in values:
            candidate = columns | {trait: _design(values)}
            state[trait] = _state(within, list(candidate.values()))
            columns = candidate if state[trait] == ESTIMATED else columns
    traits = [*columns] + (["composition"] if predicted is not None and None not in predicted else [])
    by_site = np.zeros(len(effects)) if "composition" not in traits else np.asarray(predicted, dtype=float)

    def slopes(chosen: list[str]) -> np.ndarray:
        """The linear form in the sites' effects that the regression on these traits predicts."""
        if not chosen:
            return np.zeros(len(effects))
        design = np.hstack([columns[trait] for trait in chosen])
        return (contrast @ design) @ np.linalg.pinv(within @ design)

    def forms(chosen: frozenset[str]) -> tuple[np.ndarray, np.ndarray]:
        """What a set accounts for, as linear forms in the effects and in the predictions."""
        of_effects = slopes([trait for trait in columns if trait in chosen])
        return of_effects, (contrast - of_effects) * ("composition" in chosen)

    parts = {trait: (np.zeros(len(effects)), np.zeros(len(effects))) for trait in traits}
    orders = list(permutations(traits))
    for order in orders:
        for place, trait in enumerate(order):
            after, before = forms(frozenset(order[: place + 1])), forms(frozenset(order[:place]))
            parts[trait] = tuple(
                old + (new - gone) / len(orders)
                for old, new, gone in zip(parts[trait], after, before, strict=True)
            )
    full = np.hstack([columns[trait] for trait in columns]) if columns else np.zeros((len(effects), 0))
    residual = within @ (effects - by_site)
    residual = residual - within @ full @ (np.linalg.pinv(within @ full) @ residual)
    df = len(effects) - 2 - full.shape[1]
    variance = float(residual @ residual) / df if df > 0 else np.nan
    none = (np.full(len(effects), np.nan), np.zeros(len(effects)))
    told = {trait: parts.get(trait, none) for trait in ("composition", "fidelity", "implementer")}
    sums = [told[trait][0] for trait in ("fidelity", "implementer")]
    errors = [float(form @ form) * variance for form in (*sums, np.nansum(sums, axis=0))]
    values = [float(form @ effects + other @ by_site) for form, other in told.values()]
    return [*values, *errors, float(df), state["fidelity"], state["implementer"]]


def _design(values: Sequence[Any]) -> np.ndarray:
    """A number as one column, words as one column for each but the first in order."""
    if isinstance(values[0], str):
        return np.array(
            [[value == word for word in sorted(set(values))[1:]] for value in values], dtype=float
        )
    return np.array(values, dtype=float)[:, None]


def _state(within: np.ndarray, designs: list[np.ndarray]) -> float:
    design = within @ np.hstack(designs)
    scale = np.abs(np.hstack(designs)).max(axis=0, initial=1e-300)
    if designs[-1].shape[1] == 0 or np.linalg.matrix_rank(design / scale, tol=1e-9) < design.shape[1]:
        return ONLY_BETWEEN
    return ESTIMATED if len(design) >= _SITES_A_SLOPE * design.shape[1] else TOO_FEW


def _over_rows(*columns: pa.ChunkedArray) -> pa.Array:
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    parts = [drop_parts(*row) if row[0] and True in row[1] and False in row[1] else None for row in rows]
    finite = [None if part is None else [None if np.isnan(x) else x for x in part] for part in parts]
    return pa.array(finite, pa.list_(pa.float64()))


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers the function on a connection."""
    doubles, flags, words = (duckdb.list_type(one) for one in (DOUBLE, BOOLEAN, VARCHAR))
    connection.create_function(
        "drop_parts",
        lambda y, s, w, p, f, i: _over_rows(y, s, w, p, f, i),
        [doubles, flags, doubles, doubles, doubles, words],
        doubles,
        type="arrow",
        null_handling="special",
    )


class Plugin(BasePlugin):
    """dbt-duckdb's door: called once for each database connection."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the function on dbt's connection."""
        register(conn)
