"""Distribution functions that DuckDB lacks, for the models' intervals and p-values.

In: nothing but numbers. Out: scalar SQL functions on every connection that dbt opens. No estimator lives
here: estimates are SQL, so that they also run on another engine.

Functions (NULL in, NULL out, and NULL where the function has no value; degrees of freedom may be infinite,
which gives the normal distribution):
    t_quantile(p, df), t_cdf(x, df), normal_quantile(p), normal_cdf(x), chi2_cdf(x, df),
    chi2_tail(x, df): probability above x, exact where it is tiny; chi2_quantile(p, df),
    f_tail(x, df1, df2): probability above x,
    binomial_two_sided_p(k, n, p): exact two-sided p-value, by the sum of outcomes at most as likely as k.
"""

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.sqltypes import BIGINT, DOUBLE
from scipy import special, stats


def _array(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=float)


def _vectorised(function: Callable[..., np.ndarray], arity: int) -> Callable[..., pa.Array]:
    """DuckDB counts a function's parameters, so each number of columns has a wrapper of its own."""

    def apply(*columns: pa.ChunkedArray) -> pa.Array:
        with np.errstate(all="ignore"):
            return pa.array(function(*map(_array, columns)), from_pandas=True)

    wrappers: dict[int, Callable[..., pa.Array]] = {
        1: lambda a: apply(a),
        2: lambda a, b: apply(a, b),
        3: lambda a, b, c: apply(a, b, c),
    }
    return wrappers[arity]


def t_quantile(p: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Quantile of Student's t; the normal's where the degrees of freedom are infinite."""
    return np.where(np.isinf(df), special.ndtri(p), special.stdtrit(np.where(np.isinf(df), 1.0, df), p))


def t_cdf(x: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Distribution function of Student's t; the normal's where the degrees of freedom are infinite."""
    return np.where(np.isinf(df), special.ndtr(x), special.stdtr(np.where(np.isinf(df), 1.0, df), x))


def binomial_two_sided_p(k: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Exact two-sided binomial p-value of k successes in n trials with probability p, element by element."""

    def one(successes: float, trials: float, share: float) -> float:
        if np.isnan([successes, trials, share]).any():
            return float("nan")
        return float(stats.binomtest(int(successes), int(trials), share).pvalue)

    return np.array([one(*row) for row in zip(k, n, p, strict=True)], dtype=float)


FUNCTIONS: dict[str, tuple[Callable[..., np.ndarray], list[Any]]] = {
    "t_quantile": (t_quantile, [DOUBLE, DOUBLE]),
    "t_cdf": (t_cdf, [DOUBLE, DOUBLE]),
    "normal_quantile": (special.ndtri, [DOUBLE]),
    "normal_cdf": (special.ndtr, [DOUBLE]),
    "f_tail": (lambda x, df1, df2: special.fdtrc(df1, df2, x), [DOUBLE, DOUBLE, DOUBLE]),
    "chi2_cdf": (lambda x, df: special.chdtr(df, x), [DOUBLE, DOUBLE]),
    "chi2_tail": (lambda x, df: special.chdtrc(df, x), [DOUBLE, DOUBLE]),
    "chi2_quantile": (lambda p, df: special.chdtri(df, 1 - p), [DOUBLE, DOUBLE]),
    "binomial_two_sided_p": (binomial_two_sided_p, [BIGINT, BIGINT, DOUBLE]),
}


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers every function on a connection."""
    for name, (function, parameters) in FUNCTIONS.items():
        connection.create_function(
            name,
            _vectorised(function, len(parameters)),
            parameters,
            DOUBLE,
            type="arrow",
            null_handling="special",
        )


class Plugin(BasePlugin):
    """dbt-duckdb's door: called once for each database connection."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the functions on dbt's connection."""
        register(conn)
