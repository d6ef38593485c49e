"""Small linear algebra, root finding and integration behind the checks of validity, as SQL functions.

In: numbers and lists of numbers, one comparison a row. Out: numbers or lists; NULL where there is no answer
(a singular matrix, groups that can be told apart). Which numbers go in is decided in the models.

Functions:
    imbens_manski_critical(ratio): critical value of the 95% interval for a parameter between two bounds,
        `ratio` their distance over the larger standard error.
    quadratic_form(d, v): [d' V^+ d, rank of V], V row by row.
    interaction_test(grams, is_clustered): see that function.
    logistic_coefficients(rows, is_in): coefficients of a logistic regression, the constant first.
    kernel_overlap(a, b): Bhattacharyya's coefficient of two Gaussian kernel densities.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.sqltypes import BOOLEAN, DOUBLE
from scipy import special, stats

_LIST = duckdb.list_type(DOUBLE)
_ROWS = duckdb.list_type(_LIST)


def imbens_manski_critical(ratio: float) -> float:
    """The c with normal_cdf(c + ratio) - normal_cdf(-c) = 0.95 (Imbens and Manski 2004), by bisection."""
    low, high = special.ndtri(0.95), special.ndtri(0.975)
    for _ in range(60):
        middle = (low + high) / 2
        is_short = special.ndtr(middle + ratio) - special.ndtr(-middle) < 0.95
        low, high = (middle, high) if is_short else (low, middle)
    return float((low + high) / 2)


def quadratic_form(d: Sequence[float], v: Sequence[float]) -> list[float] | None:
    """The form d' V^+ d and the rank of V, scaled to a unit diagonal first; None where V is all zero."""
    matrix = np.reshape(v, (len(d), len(d)))
    scale = np.sqrt(np.diag(matrix))
    kept = scale > 0
    if not kept.any():
        return None
    scaled = matrix[np.ix_(kept, kept)] / np.outer(scale[kept], scale[kept])
    values, vectors = np.linalg.eigh(scaled)
    is_direction = values > 1e-9 * values[-1]
    along = vectors[:, is_direction].T @ (np.asarray(d)[kept] / scale[kept])
    return [float(np.sum(along**2 / values[is_direction])), float(is_direction.sum())]


def interaction_test(grams: Sequence[Sequence[float]], is_clustered: bool) -> list[float] | None:
    """Least squares of y, 0 or 1, on 1, T, x, T x: the coefficient of T x and the joint test of T and T x.

    Args:
        grams: for each cluster (or for all units, as one row) sums of 1, T, x, Tx, xx, Txx, y, Ty, xy, Txy.
        is_clustered: whether the rows are clusters: then CR2 and the HTZ test, else the classical ones.

    Returns:
        Coefficient, its standard error and degrees of freedom, F, its denominator's degrees of freedom
        (2 in the numerator), p. None where the design is singular or the errors vanish.

    Source: Pustejovsky and Tipton (2018), Small-sample methods for cluster-robust variance estimation. The
    adjustment (I - H_c)^(-1/2) = I + X_c K X_c' works on 4 x 4 matrices only, since H_c = X_c P X_c'.
    """
    g = np.asarray(grams, dtype=float)
    places = [[0, 1, 2, 3], [1, 1, 3, 3], [2, 3, 4, 5], [3, 3, 5, 5]]
    m, xy, yy = g[:, places], g[:, 6:10], g[:, 6].sum()
    total = m.sum(axis=0)
    if np.linalg.cond(total) > 1e12:
        return None
    p = np.linalg.inv(total)
    beta = p @ xy.sum(axis=0)
    contrast = np.eye(4)[[1, 3]]
    if not is_clustered:
        df = total[0, 0] - 4
        s2 = (yy - beta @ xy.sum(axis=0)) / df if df > 0 else 0.0
        if s2 <= 1e-12:
            return None
        wald = float(beta[[1, 3]] @ np.linalg.solve(s2 * contrast @ p @ contrast.T, beta[[1, 3]]))
        return _told(beta[3], np.sqrt(s2 * p[3, 3]), df, wald / 2, df)
    root = np.linalg.cholesky(p)
    values, vectors = np.linalg.eigh(root.T @ m @ root)
    slack = 1 - values
    inverse = np.where(slack > 1e-10, 1 / np.sqrt(np.maximum(slack, 1e-10)), 0.0)
    gain = np.where(values > 1e-10, (inverse - 1) / np.where(values > 1e-10, values, 1), 0.5)
    turned = root @ vectors
    k = (turned * gain[:, None, :]) @ turned.transpose(0, 2, 1)
    scores = np.einsum("cij,cj->ci", np.eye(4) + m @ k, xy - m @ beta)
    covariance = p @ scores.T @ scores @ p
    weights = (np.eye(4) + k @ m) @ p @ contrast.T
    omega, noise = _working_noise(m, p, weights[:, :, 1:])
    df = 2 * float(omega[0, 0]) ** 2 / noise
    omega, _ = _working_noise(m, p, weights)
    spread = contrast @ covariance @ contrast.T
    if min(np.linalg.eigvalsh(spread)) <= 1e-14 or min(np.linalg.eigvalsh(omega)) <= 0:
        return None
    _, noise = _working_noise(m, p, weights @ _inverse_root(omega))
    eta = 2 * 3 / noise
    if eta <= 1:
        return None
    wald = float(beta[[1, 3]] @ np.linalg.solve(spread, beta[[1, 3]]))
    return _told(beta[3], np.sqrt(covariance[3, 3]), df, (eta - 1) / (2 * eta) * wald, eta - 1)


def _working_noise(m: np.ndarray, p: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, float]:
    """The estimators' covariance under the working model, and how much its CR2 estimate varies in all.

    The noise of clusters c and d goes together as P_cd = [c = d] W_c' M_c W_c - (M_c W_c)' P (M_d W_d).
    Returned are the sum of P_cc, and the sum over all pairs c, d and s, t of P_cd[s, t] P_cd[t, s] and
    P_cd[s, s] P_cd[t, t], by traces: many clusters cost no more than their number.
    """
    mw = m @ w
    own, shared = w.transpose(0, 2, 1) @ mw, mw.transpose(0, 2, 1) @ p @ mw
    trace_own, trace_shared = np.trace(own, axis1=1, axis2=2), np.trace(shared, axis1=1, axis2=2)
    noise = np.sum(own**2 - 2 * own * shared) + np.sum(trace_own**2 - 2 * trace_own * trace_shared)
    ps = np.einsum("ij,cjs,ckt->stik", p, mw, mw)
    noise += np.einsum("stik,stki->", ps, ps) + np.einsum("stik,tski->", ps, ps)
    return np.sum(own - shared, axis=0), float(noise)


def _inverse_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors / np.sqrt(values)) @ vectors.T


def _told(beta: float, se: float, df: float, f: float, df_2: float) -> list[float]:
    return [float(beta), float(se), float(df), float(f), float(df_2), float(stats.f.sf(f, 2, df_2))]


def logistic_coefficients(rows: Sequence[Sequence[float]], is_in: Sequence[float]) -> list[float] | None:
    """Maximum likelihood of a logistic regression by reweighted least squares, the constant first.

    Covariates are standardised on the way, so that their units do not matter. None where no maximum exists
    (the groups can be told apart) or where the covariates are collinear.
    """
    x, y = np.asarray(rows, dtype=float), np.asarray(is_in, dtype=float)
    centre, scale = x.mean(axis=0), x.std(axis=0)
    if not scale.all() or y.min() == y.max():
        return None
    design = np.column_stack([np.ones(len(y)), (x - centre) / scale])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    beta = np.zeros(design.shape[1])
    for _ in range(100):
        fitted = special.expit(design @ beta)
        weight = fitted * (1 - fitted)
        information = design.T @ (weight[:, None] * design)
        if weight.max() < 1e-9 or np.linalg.cond(information) > 1e14:
            return None
        step = np.linalg.solve(information, design.T @ (y - fitted))
        beta = beta + step
        if np.max(np.abs(step)) < 1e-13 * max(1.0, np.max(np.abs(beta))):
            slopes = beta[1:] / scale
            return [float(beta[0] - slopes @ centre), *map(float, slopes)]
    return None


def kernel_overlap(a: Sequence[float], b: Sequence[float]) -> float | None:
    """The integral of sqrt(f_a f_b), f Gaussian kernel densities of bandwidth (4 sd^5 / (3 n))^(1/5).

    1 where they agree. Source: Tipton (2014), How generalizable is your experiment?; bandwidth and kernel as
    in the R package generalize. Integrated by 20-point Gauss-Legendre panels no wider than the smaller
    bandwidth. None where a spread is zero.
    """
    samples = [np.asarray(a, dtype=float), np.asarray(b, dtype=float)]
    if any(len(x) < 2 or not x.std(ddof=1) > 0 for x in samples):
        return None
    widths = [(4 * x.std(ddof=1) ** 5 / (3 * len(x))) ** 0.2 for x in samples]
    low = max(x.min() - 13 * h for x, h in zip(samples, widths, strict=True))
    high = min(x.max() + 13 * h for x, h in zip(samples, widths, strict=True))
    if low >= high:
        return 0.0
    edges = np.linspace(low, high, int(np.ceil((high - low) / min(widths))) + 1)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    total = 0.0
    for left, right in pairwise(edges):
        points = (left + right) / 2 + (right - left) / 2 * nodes
        densities = [
            np.exp(-(((points[:, None] - x) / h) ** 2) / 2).mean(axis=1) / (h * np.sqrt(2 * np.pi))
            for x, h in zip(samples, widths, strict=True)
        ]
        total += (right - left) / 2 * float(weights @ np.sqrt(densities[0] * densities[1]))
    return min(total, 1.0)


FUNCTIONS: dict[str, tuple[Callable[..., Any], list[Any], Any]] = {
    "imbens_manski_critical": (imbens_manski_critical, [DOUBLE], DOUBLE),
    "quadratic_form": (quadratic_form, [_LIST, _LIST], _LIST),
    "interaction_test": (interaction_test, [_ROWS, BOOLEAN], _LIST),
    "logistic_coefficients": (logistic_coefficients, [_ROWS, _LIST], _LIST),
    "kernel_overlap": (kernel_overlap, [_LIST, _LIST], DOUBLE),
}


def _row_by_row(function: Callable[..., Any], arity: int, returned: Any) -> Callable[..., pa.Array]:
    """NULL or no finite number in, NULL out; DuckDB counts parameters, so each number has its own wrapper."""
    kind = pa.float64() if returned == DOUBLE else pa.list_(pa.float64())

    def one(row: tuple[Any, ...]) -> Any:
        if any(part is None for part in row) or not all(map(_is_finite, row)):
            return None
        with np.errstate(all="ignore"):
            return function(*row)

    def apply(*columns: pa.ChunkedArray) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([one(row) for row in rows], type=kind)

    return (lambda a: apply(a)) if arity == 1 else (lambda a, b: apply(a, b))


def _is_finite(part: Any) -> bool:
    if isinstance(part, list):
        return bool(part) and all(map(_is_finite, part))
    return part is not None and bool(np.isfinite(part))


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers every function on a connection."""
    for name, (function, parameters, returned) in FUNCTIONS.items():
        connection.create_function(
            name,
            _row_by_row(function, len(parameters), returned),
            parameters,
            returned,
            type="arrow",
            null_handling="special",
        )


class Plugin(BasePlugin):
    """dbt-duckdb's door: called once for each database connection."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the functions on dbt's connection."""
        register(conn)
