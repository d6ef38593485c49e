"""Numbers as text: the shortest digits that give the stored value again, whole numbers without `.0`.

In: an expression of integers or floats. Out: its text, NULL where it is NULL or not a number. What the
numbers mean is not known here.
"""

import polars as pl

_EXACT = 2.0**53


def number_text(value: pl.Expr) -> pl.Expr:
    """Text of numbers; a Float32 gives the digits that tell it among Float32s, so 1.1 stays 1.1."""
    is_whole = (value.cast(pl.Float64).abs() < _EXACT) & (value == value.floor())
    return (
        pl.when(value.is_nan())
        .then(None)
        .when(is_whole)
        .then(value.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(value.cast(pl.String))
    )
