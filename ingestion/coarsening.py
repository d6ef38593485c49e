"""Coarse places: coordinates are moved to the centre of their cell in a grid of degrees.

In: cells with coordinates, one number or a point, and the grids. Out: the same cells with the centre of the
grid's cell in place of each number; altitude, accuracy and whatever else stood there is gone. The centre is
taken since it is off by half a cell at most, and stays where it is when it is made coarse again. Which
columns are made coarse is not known here.

A grid of 0.1 degrees is 11 km from south to north, and 11 km from west to east at the equator.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase

import polars as pl

# Billionths of a degree: coordinates are reckoned in whole numbers of these, since 0.3 / 0.1 is less than 3.
_BILLION = 10**9
_NUMBER = r"[+-]?\d{1,3}(?:\.\d*)?(?:[eE]-?\d{1,2})?"
# One sign separates all numbers of a point, or `1,25 36,82` would be a place where nobody was.
_POINTS = (
    # `lat lon`, with altitude and accuracy after them or not: Kobo, ODK, SurveyCTO, CommCare.
    rf"^\s*({_NUMBER})\s+({_NUMBER})(?:\s+-?[\d.]+){{0,2}}\s*;?\s*$",
    # `lat,lon` or `[lat, lon]`.
    rf"^\s*[\[(]?\s*({_NUMBER})\s*,\s*({_NUMBER})(?:\s*,\s*-?[\d.]+){{0,2}}\s*[\])]?\s*$",
    # `lat;lon`, with the place's name after it or not: LimeSurvey.
    rf"^\s*({_NUMBER})\s*;\s*({_NUMBER})\s*(?:;[^;]*){{0,6}}$",
)
# `POINT (lon lat)`, as geographers write it.
_WELL_KNOWN = rf"(?i)^\s*POINT\s*Z?\s*\(\s*({_NUMBER})\s+({_NUMBER})(?:\s+-?[\d.]+)?\s*\)\s*$"
_ALONE = rf"^\s*({_NUMBER})\s*$"
_LATITUDE, _LONGITUDE = 90, 180
_PART = re.compile(r"(?i)[-_](latitude|longitude|altitude|accuracy|precision)$")
_DROPPED = ("altitude", "accuracy", "precision")


def grid_of(column: str, grids: Mapping[str, Decimal]) -> Decimal | None:
    """The grid of a column, by its name, by the name of the question it is a part of, or by a glob of either.

    Args:
        column: A column, e.g. `gps`, `gps-Latitude` or `g/_gps_latitude`.
        grids: Name or glob -> side of the grid's cells in degrees.
    """
    names = [column]
    if _PART.search(column):
        question = _PART.sub("", column)
        names += [question, re.sub(r"(^|/)_(?=[^/]*$)", r"\1", question)]
    for name in names:
        if name in grids:
            return grids[name]
    return next((grids[glob] for glob in grids for name in names if fnmatchcase(name, glob)), None)


def is_beside_the_place(column: str) -> bool:
    """Whether a column is that part of a location which tells its altitude or accuracy."""
    part = _PART.search(column)
    return part is not None and part[1].lower() in _DROPPED


def coarsened(cells: pl.LazyFrame, grids: Mapping[str, Decimal]) -> pl.LazyFrame:
    """Replaces coordinates by the centres of their cells: `lat lon`, or one number where one stood alone.

    What is no coordinate, or lies outside of the earth, becomes NULL; so do lines and areas.

    Args:
        cells: Cells as text, not yet read.
        grids: Column -> side of the grid's cells in degrees, at most nine decimals.
    """
    return cells.with_columns(_coarse(column, grid) for column, grid in grids.items())


def unreadable(cells: pl.LazyFrame, grids: Mapping[str, Decimal]) -> dict[str, int]:
    """How many cells of each column `coarsened` makes NULL though they are not blank; columns with any."""
    if not grids:
        return {}
    lost = cells.select(
        (pl.col(column).str.strip_chars().fill_null("").ne("") & _coarse(column, grid).is_null()).sum()
        for column, grid in grids.items()
    ).collect(engine="streaming")
    return {column: count for column, count in lost.row(0, named=True).items() if count}


def _coarse(column: str, grid: Decimal) -> pl.Expr:
    text = pl.col(column)
    limit = _LATITUDE if re.search(r"(?i)lat", column) else _LONGITUDE
    alone = _centre(text.str.extract(_ALONE, 1), grid, limit).alias(column)
    if _PART.search(column):
        return alone
    firsts = [text.str.extract(pattern, 1) for pattern in _POINTS]
    seconds = [text.str.extract(pattern, 2) for pattern in _POINTS]
    latitude = pl.coalesce(*firsts, text.str.extract(_WELL_KNOWN, 2))
    longitude = pl.coalesce(*seconds, text.str.extract(_WELL_KNOWN, 1))
    point = pl.concat_str(
        _centre(latitude, grid, _LATITUDE), _centre(longitude, grid, _LONGITUDE), separator=" "
    )
    return pl.coalesce(point, alone).alias(column)


def _centre(number: pl.Expr, grid: Decimal, limit: int) -> pl.Expr:
    """The centre of a number's cell as text, without needless zeros; NULL beyond the limit."""
    side, most = int(grid * _BILLION), limit * _BILLION
    place = (number.cast(pl.Float64) * _BILLION).round().cast(pl.Int64)
    # The pole, and the meridian opposite Greenwich, lie in the last cell.
    cell = (place // side).clip(upper_bound=-(-most // side) - 1)
    doubled = ((2 * cell + 1) * side).clip(-2 * most, 2 * most)
    whole, rest = doubled.abs() // (2 * _BILLION), doubled.abs() % (2 * _BILLION) * 5
    decimals = rest.cast(pl.String).str.zfill(10).str.strip_chars_end("0")
    sign = pl.when(doubled < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    text = pl.concat_str(sign, whole.cast(pl.String), pl.lit("."), decimals).str.strip_suffix(".")
    return pl.when(place.abs() <= most).then(text)
