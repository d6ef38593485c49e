"""Levels of the looks of a group-sequential analysis, as an SQL function.

In: which spending function, and the shares of information. Out: a level per look. When looks are taken is
decided in the models.

Function:
    look_levels(is_obrien_fleming, information): two-sided nominal levels, one a look.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.sqltypes import BOOLEAN, DOUBLE
from scipy import special

_ALPHA = 0.05
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def spent(is_obrien_fleming: bool, information: Sequence[float]) -> np.ndarray:
    """What may be spent of 5%, two-sided, up to each share of information (Lan and DeMets 1983)."""
    t = np.asarray(information, dtype=float)
    if is_obrien_fleming:
        return 4 * special.ndtr(special.ndtri(_ALPHA / 4) / np.sqrt(t))
    return _ALPHA * np.log1p((np.e - 1) * t)


def _crossing(bound: float, place: np.ndarray, mass: np.ndarray, spread: float) -> float:
    beyond = special.ndtr((place - bound) / spread) + special.ndtr((-place - bound) / spread)
    return float(mass @ beyond)


def look_levels(is_obrien_fleming: bool, information: Sequence[float]) -> list[float]:
    """Two-sided nominal levels: the chance to cross first at a look is what that look may spend.

    The statistic's sum of increments is a random walk; its density among the paths that have not crossed yet
    is carried from look to look on Gauss-Legendre nodes (Armitage, McPherson and Rowe 1969); each boundary
    is found by bisection.

    Args:
        is_obrien_fleming: O'Brien-Fleming's kind of spending, else Pocock's.
        information: growing shares of the final information, above 0, the last 1.
    """
    increments = np.diff(spent(is_obrien_fleming, information), prepend=0.0)
    times = np.diff(np.asarray(information, dtype=float), prepend=0.0)
    place, mass, levels, elapsed = np.zeros(1), np.ones(1), [], 0.0
    for increment, step in zip(increments, times, strict=True):
        spread, elapsed = np.sqrt(step), elapsed + step

        low, high = 0.0, 40.0 * np.sqrt(elapsed)
        for _ in range(100):
            middle = (low + high) / 2
            is_low = _crossing(middle, place, mass, spread) > increment
            low, high = (middle, high) if is_low else (low, middle)
        levels.append(float(2 * special.ndtr(-high / np.sqrt(elapsed))))
        nodes = high * _NODES
        density = (
            np.exp(-(((nodes[:, None] - place) / spread) ** 2) / 2) @ mass / (spread * np.sqrt(2 * np.pi))
        )
        place, mass = nodes, high * _WEIGHTS * density
    return levels


def _over_rows(kinds: pa.ChunkedArray, information: pa.ChunkedArray) -> pa.Array:
    rows = zip(kinds.to_pylist(), information.to_pylist(), strict=True)
    return pa.array(
        [look_levels(kind, shares) if shares else None for kind, shares in rows], pa.list_(pa.float64())
    )


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers the function on a connection."""
    shares = duckdb.list_type(DOUBLE)
    connection.create_function(
        "look_levels", _over_rows, [BOOLEAN, shares], shares, type="arrow", null_handling="special"
    )


class Plugin(BasePlugin):
    """dbt-duckdb's door: called once for each database connection."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the function on dbt's connection."""
        register(conn)
