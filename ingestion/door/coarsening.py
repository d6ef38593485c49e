"""Coarse places: coordinates are moved to the centre of their cell in a grid of degrees.

In: cells with coordinates, one number or a point, and the grids. Out: the same cells with the centre of the
grid's cell in place of each number; altitude, accuracy and whatever else stood there is gone. The centre is
taken since it is off by half a cell at most, and stays where it is when it is made coarse again. Which
columns are made coarse is not known here.

A grid of 0.1 degrees is 11 km from south to north, and 11 km from west to east at the equator.
"""

import re
from collections.abc import Iterable, Mapping
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
_CENTRE_NORTH, _CENTRE_EAST, _CENTRE_ALONE = "_sw_north", "_sw_east", "_sw_alone"
_IS_FILLED = "_sw_is_filled "
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
    for column, grid in grids.items():
        # Step by step, since an expression that is used twice is worked out twice.
        centres = _centres(column, grid)
        cells = (
            cells.with_columns(centre.alias(name) for name, centre in centres.items())
            .with_columns(_told(centres).alias(column))
            .drop(centres)
        )
    return cells


def unreadable(cells: pl.LazyFrame, grids: Mapping[str, Decimal]) -> dict[str, int]:
    """How many cells of each column `coarsened` makes NULL though they are not blank; columns with any."""
    if not grids:
        return {}
    is_filled = {column: f"{_IS_FILLED}{column}" for column in grids}
    filled = (
        pl.col(column).str.strip_chars().fill_null("").ne("").alias(name)
        for column, name in is_filled.items()
    )
    lost = coarsened(cells.select(*grids, *filled), grids).select(
        (pl.col(name) & pl.col(column).is_null()).sum().alias(column) for column, name in is_filled.items()
    )
    counts = lost.collect(engine="streaming").row(0, named=True)
    return {column: count for column, count in counts.items() if count}


def _centres(column: str, grid: Decimal) -> dict[str, pl.Expr]:
    """The centres of a column's numbers, in half billionths of a degree: of a point's, and of one alone."""
    text = pl.col(column)
    limit = _LATITUDE if re.search(r"(?i)lat", column) else _LONGITUDE
    alone = {_CENTRE_ALONE: _centre(text.str.extract(_ALONE, 1), grid, limit)}
    if _PART.search(column):
        return alone
    pairs = [text.str.extract_groups(pattern).struct for pattern in (*_POINTS, _WELL_KNOWN)]
    *points, well_known = [(pair.field("1"), pair.field("2")) for pair in pairs]
    latitude, longitude = (pl.coalesce(both) for both in zip(*points, well_known[::-1], strict=True))
    return {
        _CENTRE_NORTH: _centre(latitude, grid, _LATITUDE),
        _CENTRE_EAST: _centre(longitude, grid, _LONGITUDE),
        **alone,
    }


def _centre(number: pl.Expr, grid: Decimal, limit: int) -> pl.Expr:
    """The centre of a number's cell; NULL beyond the limit."""
    side, most = int(grid * _BILLION), limit * _BILLION
    place = (number.cast(pl.Float64) * _BILLION).round().cast(pl.Int64)
    # The pole, and the meridian opposite Greenwich, lie in the last cell.
    cell = (place // side).clip(upper_bound=-(-most // side) - 1)
    centre = ((2 * cell + 1) * side).clip(-2 * most, 2 * most)
    return pl.when(place.is_between(-most, most)).then(centre)


def _told(centres: Iterable[str]) -> pl.Expr:
    """Centres as text: `lat lon`, or the one number."""
    alone = _degrees(_CENTRE_ALONE)
    if _CENTRE_NORTH not in centres:
        return alone
    return pl.coalesce(pl.concat_str(_degrees(_CENTRE_NORTH), _degrees(_CENTRE_EAST), separator=" "), alone)


def _degrees(centre: str) -> pl.Expr:
    """Half billionths of a degree as degrees, without needless zeros."""
    halves = pl.col(centre)
    whole, rest = halves.abs() // (2 * _BILLION), halves.abs() % (2 * _BILLION) * 5
    decimals = rest.cast(pl.String).str.zfill(10).str.strip_chars_end("0")
    sign = pl.when(halves < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, whole.cast(pl.String), pl.lit("."), decimals).str.strip_suffix(".")
