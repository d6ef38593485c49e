"""What retention needs beyond quantiles: draws of two t variables, and the likelihood of a selected pilot.

In: numbers only, one retention a row. Out: SQL functions, NULL in, NULL out, and NULL where there is no
answer. No random number is drawn. Which effects go in, and in which direction, is decided in the models.

A selected pilot: a normal estimate, here in units of its standard error, was seen because it lay at or below
`low` or at or above `high` (either may be infinite). Given that, it is a normal cut to that set, with a
monotone likelihood ratio in its mean: inverting its distribution function gives exact conditional intervals
and median-unbiased estimates. With a second, independent estimate b, any contrast cos b - sin a, given the
combination that is independent of it, is again a normal cut to an interval or to the outside of one (Fithian,
Sun and Taylor 2014; Lee, Sun, Sun and Taylor 2016). Everything is computed from logarithms of tail areas.

Functions:
    t_sum_above_zero(mean, s1, df1, s2, df2): chance that mean + s1 T1 + s2 T2 > 0, T independent Student's t.
    selected_cdf(x, mean, low, high): distribution function of a selected estimate at x.
    selected_mean(p, x, low, high): the mean under which selected_cdf(x) = p; NULL beyond 10,000 errors.
    selected_contrast_cdf(a, b, slope, low, high): that of b - slope a, true value 0, given what is
        independent of it.
    selected_ratio(p, a, b, low, high): the ratio of the means whose contrast has that distribution function
        p; NULL where the 95% set of ratios is not bounded.
"""

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.sqltypes import DOUBLE
from scipy import special

_FARTHEST = 1e4
_ANGLES = np.linspace(-np.pi / 2, np.pi / 2, 241)


def _t_cdf(x: np.ndarray, df: np.ndarray) -> np.ndarray:
    return np.where(np.isinf(df), special.ndtr(x), special.stdtr(np.where(np.isinf(df), 1.0, df), x))


def _log_t_density(x: np.ndarray, df: np.ndarray) -> np.ndarray:
    nu = np.where(np.isinf(df), 1.0, df)
    constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - np.log(nu * np.pi) / 2
    return np.where(
        np.isinf(df),
        -(x**2) / 2 - np.log(2 * np.pi) / 2,
        constant - (nu + 1) / 2 * np.log1p(x**2 / nu),
    )


def t_sum_above_zero(
    mean: np.ndarray, s1: np.ndarray, df1: np.ndarray, s2: np.ndarray, df2: np.ndarray
) -> np.ndarray:
    """The chance that mean + s1 T1 + s2 T2 is above 0, for independent t variables, element by element.

    The density of the narrower variable times the distribution function of the wider one, by the trapezoidal
    rule in s with x = sinh(pi/2 sinh(s)) (Takahasi and Mori 1974), whose error falls exponentially: below
    1e-12 from one degree of freedom on.
    """
    is_first = s1 <= s2
    narrow, wide = np.where(is_first, s1, s2), np.where(is_first, s2, s1)
    df_narrow, df_wide = np.where(is_first, df1, df2), np.where(is_first, df2, df1)
    s = np.linspace(-5.2, 5.2, 801)[:, None]
    x = np.sinh(np.pi / 2 * np.sinh(s))
    weight = (s[1] - s[0]) * np.pi / 2 * np.cosh(s) * np.cosh(np.pi / 2 * np.sinh(s))
    density = np.exp(_log_t_density(x, df_narrow))
    total = np.sum(weight * density * _t_cdf((mean + narrow * x) / wide, df_wide), axis=0)
    return np.clip(total, 0.0, 1.0)


def _log_between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Logarithm of the normal area from low to high, in whichever tail has no cancellation."""
    flip = low > 0
    upper = special.log_ndtr(np.where(flip, -low, high))
    lower = special.log_ndtr(np.where(flip, -high, low))
    return np.where(high > low, upper + np.log1p(-np.exp(np.minimum(lower - upper, 0.0))), -np.inf)


def selected_cdf(x: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """P(X <= x | X <= low or X >= high), X normal with that mean and SD 1; nan where x was not selected."""
    below, above = special.log_ndtr(low - mean), special.log_ndtr(mean - high)
    chosen = np.logaddexp(below, above)
    reached = np.where(
        x >= high, np.logaddexp(below, _log_between(high - mean, x - mean)), special.log_ndtr(x - mean)
    )
    is_selected = (x <= low) | (x >= high)
    return np.where(is_selected, np.exp(np.minimum(reached - chosen, 0.0)), np.nan)


def selected_mean(p: np.ndarray, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The mean under which selected_cdf(x) = p, by bisection; nan beyond 10,000 standard errors from x."""
    first, last = x - _FARTHEST, x + _FARTHEST
    is_within = (selected_cdf(x, first, low, high) > p) & (selected_cdf(x, last, low, high) < p)
    for _ in range(100):
        middle = (first + last) / 2
        is_low = selected_cdf(x, middle, low, high) > p
        first, last = np.where(is_low, middle, first), np.where(is_low, last, middle)
    return np.where(is_within, (first + last) / 2, np.nan)


def _pivot(a: np.ndarray, b: np.ndarray, angle: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Distribution function of cos b - sin a where its mean is 0, given sin b + cos a, independent of it."""
    sine, cosine = np.sin(angle), np.cos(angle)
    contrast = cosine * b - sine * a
    rest = a + sine * contrast  # a without the contrast: a = rest - sine * contrast
    divisor = np.where(sine == 0, 1.0, sine)
    at_high, at_low = (rest - high) / divisor, (rest - low) / divisor
    edges = np.where(sine > 0, at_high, at_low), np.where(sine > 0, at_low, at_high)
    return np.where(
        sine == 0, special.ndtr(contrast), selected_cdf(contrast, np.zeros_like(contrast), *edges)
    )


def selected_contrast_cdf(
    a: np.ndarray, b: np.ndarray, slope: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Distribution function of b - slope a, standardised, where its true value is 0 and a was selected."""
    return np.where((a <= low) | (a >= high), _pivot(a, b, np.arctan(slope), low, high), np.nan)


def selected_ratio(
    p: np.ndarray, a: np.ndarray, b: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The ratio of the means of b and a at which the pivot is p: the outermost, if it is not monotone.

    The set is bounded exactly where the selected pilot alone is told apart from 0 at 95%: at the angles -90
    and 90 degrees the contrast is the pilot's own estimate.
    """
    is_bounded = selected_cdf(a, np.zeros_like(a), low, high) > 0.975
    result = np.full(len(a), np.nan)
    result[is_bounded] = _bounded_ratio(*(value[is_bounded] for value in (p, a, b, low, high)))
    return result


def _bounded_ratio(
    p: np.ndarray, a: np.ndarray, b: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    columns = (
        [value[:, None] for value in (a, b)] + [_ANGLES[None, :]] + [value[:, None] for value in (low, high)]
    )
    is_above = _pivot(*columns) > p[:, None]
    falls = is_above[:, :-1] & ~is_above[:, 1:]
    last_fall = falls.shape[1] - 1 - falls[:, ::-1].argmax(axis=1)
    place = np.where(p >= 0.5, falls.argmax(axis=1), last_fall)
    first, last = _ANGLES[place], _ANGLES[place + 1]
    for _ in range(60):
        middle = (first + last) / 2
        is_low = _pivot(a, b, middle, low, high) > p
        first, last = np.where(is_low, middle, first), np.where(is_low, last, middle)
    return np.where(falls.any(axis=1), np.tan((first + last) / 2), np.nan)


FUNCTIONS: dict[str, tuple[Callable[..., np.ndarray], int]] = {
    "t_sum_above_zero": (t_sum_above_zero, 5),
    "selected_cdf": (selected_cdf, 4),
    "selected_mean": (selected_mean, 4),
    "selected_contrast_cdf": (selected_contrast_cdf, 5),
    "selected_ratio": (selected_ratio, 5),
}


def _over_columns(function: Callable[..., np.ndarray], arity: int) -> Callable[..., pa.Array]:
    """DuckDB counts a function's parameters. Rows with a NULL are left out, so that they cost nothing."""

    def apply(*columns: pa.ChunkedArray) -> pa.Array:
        given = [np.asarray(one.to_numpy(zero_copy_only=False), dtype=float) for one in columns]
        known = ~np.isnan(given).any(axis=0)
        result = np.full(len(known), np.nan)
        with np.errstate(all="ignore"):
            if known.any():
                result[known] = function(*(one[known] for one in given))
        return pa.array(result, from_pandas=True)

    wrappers: dict[int, Callable[..., pa.Array]] = {
        4: lambda a, b, c, d: apply(a, b, c, d),
        5: lambda a, b, c, d, e: apply(a, b, c, d, e),
    }
    return wrappers[arity]


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers every function on a connection."""
    for name, (function, arity) in FUNCTIONS.items():
        parameters: list[Any] = [DOUBLE] * arity
        connection.create_function(
            name, _over_columns(function, arity), parameters, DOUBLE, type="arrow", null_handling="special"
        )


class Plugin(BasePlugin):
    """dbt-duckdb's door: called once for each database connection."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the functions on dbt's connection."""
        register(conn)
