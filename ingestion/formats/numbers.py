"""Numbers as text: the shortest digits that give the stored value again, whole numbers without `.0`.

In: a numeric column. Out: its text, NULL where it is NULL or not a number. What the numbers mean is not known
here.
"""

import polars as pl

_EXACT = 2.0**53


def number_text(column: pl.Series) -> pl.Series:
    """Text of a numeric column; a Float32 gives the digits that tell it among Float32s, so 1.1 stays 1.1."""
    if not column.dtype.is_float():
        return column.cast(pl.String)
    value = pl.col("value")
    is_whole = (value.cast(pl.Float64).abs() < _EXACT) & (value == value.floor())
    return (
        column.to_frame("value")
        .select(
            pl.when(value.is_nan())
            .then(None)
            .when(is_whole)
            .then(value.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(value.cast(pl.String))
            .alias(column.name)
        )
        .to_series()
    )
