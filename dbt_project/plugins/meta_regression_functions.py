"""Regression of site effects on what sites are like: the small matrices that a meta-regression needs.

In: lists of numbers, one row of SQL for each regression. Out: the function below on every connection that dbt
opens. Which sites and moderators enter, and what is claimed of the result, is decided in int_meta_regression.

    mixed_effects_regression(y, v, x): effects, their variances, and the moderators, all of one site after
    all of another. NULL where the moderators do not vary or hang together, or sites are too few to fit.
"""

from collections import defaultdict
from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.sqltypes import DOUBLE

_STEPS = 200
_CELLS = 2_000_000  # numbers of one stack of k x k matrices


def _projections(v: np.ndarray, x: np.ndarray, tau2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P = W - W X (X'WX)^-1 X'W of each regression, n x k x k, and (X'WX)^-1, n x p x p."""
    w = 1 / (v + tau2[:, None])
    wx = w[:, :, None] * x
    inverse = np.linalg.inv(x.transpose(0, 2, 1) @ wx)
    p = -wx @ inverse @ wx.transpose(0, 2, 1)
    index = np.arange(v.shape[1])
    p[:, index, index] += w
    return p, inverse


def _restricted_tau2(y: np.ndarray, v: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """tau2 by restricted maximum likelihood, and whether it settled, for each of n regressions.

    Steps as in the macro likelihood_tau2: Newton's where the observed information allows, else Fisher's; a
    step below 0 goes to 0 where the score there is not positive, else half way. Source: Viechtbauer (2005).
    """

    def steps(tau2: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p, _ = _projections(v[chosen], x[chosen], tau2)
        py = np.einsum("nij,nj->ni", p, y[chosen])
        ppy = np.einsum("nij,nj->ni", p, py)
        score = (py**2).sum(axis=1) - np.trace(p, axis1=1, axis2=2)
        expected = (p**2).sum(axis=(1, 2))
        observed = 2 * (py * ppy).sum(axis=1) - expected
        return score, score / np.where(observed > 0.01 * expected, observed, expected)

    everyone = np.arange(len(y))
    rises = steps(np.zeros(len(y)), everyone)[0] > 0
    tau2, change = np.zeros(len(y)), np.full(len(y), np.inf)
    for _ in range(_STEPS):
        moving = np.flatnonzero(change > 1e-13)
        if not len(moving):
            break
        stepped = tau2[moving] + steps(tau2[moving], moving)[1]
        stepped = np.where(stepped >= 0, stepped, np.where(rises[moving], tau2[moving] / 2, 0.0))
        change[moving] = np.abs(stepped - tau2[moving]) / (stepped + v[moving].min(axis=1))
        tau2[moving] = stepped
    return tau2, change <= 1e-12


def regressions(y: np.ndarray, v: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Mixed-effects regressions of n sets of k effects on m moderators, errors of Knapp and Hartung (2003).

    Args:
        y: Effects, n x k.
        v: Their variances, n x k.
        x: Moderators, n x k x m, in units of their own.

    Returns:
        n rows: tau2 left, 1 where the iteration settled, the scale s^2 = y'Py / (k - m - 1), the intercept at
        moderators of zero, the m slopes, then the errors of intercept and slopes; nan where not estimable.
    """
    n, k, m = x.shape
    centre, scale = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    result = np.full((n, 3 + 2 * (m + 1)), np.nan)
    varies = (scale > 1e-12 * (1 + np.abs(centre))).all(axis=(1, 2))
    z = np.concatenate([np.ones((n, k, 1)), (x - centre) / np.where(scale > 0, scale, 1)], axis=2)
    gram = z.transpose(0, 2, 1) @ z / k
    fits = np.flatnonzero(varies & (np.linalg.eigvalsh(gram)[:, 0] > 1e-10) & (k > m + 1))
    if not len(fits):
        return result
    # moderators with a unit spread, effects from the first one: back to their own units at the end
    y, v, z, start = y[fits], v[fits], z[fits], y[fits][:, :1]
    tau2, settled = _restricted_tau2(y - start, v, z)
    p, inverse = _projections(v, z, tau2)
    s2 = np.einsum("ni,nij,nj->n", y - start, p, y - start) / (k - m - 1)
    w = 1 / (v + tau2[:, None])
    beta = np.einsum("nij,nkj,nk->ni", inverse, z, w * (y - start))
    back = np.zeros((len(fits), m + 1, m + 1))
    back[:, 0, 0] = 1
    back[:, 0, 1:] = -(centre[fits] / scale[fits])[:, 0]
    back[:, range(1, m + 1), range(1, m + 1)] = 1 / scale[fits][:, 0]
    coefficients = np.einsum("nij,nj->ni", back, beta)
    coefficients[:, 0] += start[:, 0]
    variances = np.einsum("nij,njl,nil->ni", back, inverse, back) * np.maximum(s2, 0)[:, None]
    result[fits] = np.column_stack([tau2, settled, s2, coefficients, np.sqrt(variances)])
    return result


def mixed_effects_regression(
    y: Sequence[Sequence[float]], v: Sequence[Sequence[float]], x: Sequence[Sequence[float]]
) -> list[list[float] | None]:
    """`regressions` of lists of any length: those alike in sites and moderators are reckoned together."""
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, (effects, moderators) in enumerate(zip(y, x, strict=True)):
        if effects and moderators:
            alike[len(effects), len(moderators) // len(effects)].append(place)
    found: list[list[float] | None] = [None] * len(y)
    for (k, m), places in sorted(alike.items()):
        step = max(1, _CELLS // k**2)
        for part in (places[i : i + step] for i in range(0, len(places), step)):
            moderators = np.array([x[i] for i in part], dtype=float).reshape(-1, k, m)
            rows = regressions(np.array([y[i] for i in part]), np.array([v[i] for i in part]), moderators)
            for place, row in zip(part, rows, strict=True):
                found[place] = None if np.isnan(row).any() else row.tolist()
    return found


def _apply(y: pa.ChunkedArray, v: pa.ChunkedArray, x: pa.ChunkedArray) -> pa.Array:
    with np.errstate(all="ignore"):
        found = mixed_effects_regression(y.to_pylist(), v.to_pylist(), x.to_pylist())
    return pa.array(found, type=pa.list_(pa.float64()))


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers the function on a connection."""
    numbers = duckdb.list_type(DOUBLE)
    connection.create_function(
        "mixed_effects_regression", _apply, [numbers] * 3, numbers, type="arrow", null_handling="special"
    )


class Plugin(BasePlugin):
    """dbt-duckdb's door: called once for each database connection."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the function on dbt's connection."""
        register(conn)
