"""Which cells of the study are told together, and how often their verdicts were wrong at worst.

In: the study's rates by cell. Out: the largest rate of a line of cells, and of a condition that the models
can see in the data. Nothing is laid out here.
"""

from dataclasses import dataclass

import polars as pl

CLAIMS = ("held", "faded", "reversed")
_IS_SELECTED = pl.col("is_selected")
AS_ESTIMATED, OF_ALL_SITES, CORRECTED = "", "of_all_sites_", "corrected_"


@dataclass(frozen=True)
class Line:
    """Cells that are told together, and which of their wrong verdicts.

    Attributes:
        words: what these cells have in common, as the README says it.
        cells: which cells these are.
        reading: whose verdict, of which sites: the start of the rates' names.
        condition: what the models call these cells where they can see them in the data; none if they cannot.
    """

    words: str
    cells: pl.Expr
    reading: str = AS_ESTIMATED
    condition: str | None = None


def _few(pilots: int, words: str, condition: str) -> list[Line]:
    """So few pilot sites that an interval speaks of these only, and what is wrong if it is read of all."""
    cells = ~_IS_SELECTED & (pl.col("pilot_sites") == pilots)
    return [
        Line(f"{words}, said of these sites", cells),
        Line(f"{words}, read as of all such sites", cells, OF_ALL_SITES, condition),
    ]


def _selected(sites: int, z: float) -> list[Line]:
    cells = _IS_SELECTED & (pl.col("sites") == sites) & (pl.col("pilot_z") == z)
    many, reading = ("1 site, of all such", OF_ALL_SITES) if sites == 1 else (f"{sites} sites", "")
    words = f"pilot selected, expected z {z:g}, {many}"
    return [
        Line(words, cells, reading, "selected"),
        Line(f"{words}: corrected", cells, CORRECTED + reading, "selected_corrected"),
    ]


_FIVE = ~_IS_SELECTED & (pl.col("pilot_sites") >= 5)
LINES: tuple[Line, ...] = (
    Line("5 sites a side or more", _FIVE & pl.col("group").is_in(["plain", "strong pilot"])),
    Line("and skewed outcomes", _FIVE & pl.col("is_skewed")),
    Line("and 3 clusters an arm", _FIVE & (pl.col("clusters") == 3)),
    Line("and effects that fall with a site's size", _FIVE & pl.col("is_informative")),
    Line("5 sites a side or more, 2 clusters an arm", _FIVE & (pl.col("clusters") == 2)),
    Line("3 pilot sites", ~_IS_SELECTED & (pl.col("pilot_sites") == 3), condition="three_or_four_sites"),
    *_few(2, "2 pilot sites", "two_sites"),
    *_few(1, "1 pilot site", "one_site"),
    *(line for sites in (5, 1) for z in (3.0, 2.0, 1.0) for line in _selected(sites, z)),
)


def line_rates(rates: pl.DataFrame, line: Line) -> dict[str, float | None]:
    """The largest percent of wrong verdicts over the line's cells, by claim."""
    cells = rates.filter(line.cells)
    return {claim: cells[f"{line.reading}wrong_{claim}_pct"].max() for claim in CLAIMS}  # type: ignore[misc]


def figures(rates: pl.DataFrame) -> list[dict[str, object]]:
    """The largest percent of wrong verdicts by condition and claim, in the order of the lines."""
    found: dict[tuple[str, str], float] = {}
    for line in LINES:
        for claim, rate in line_rates(rates, line).items():
            if line.condition and rate is not None:
                key = (line.condition, claim)
                found[key] = max(found.get(key, 0.0), rate)
    return [
        {"condition": condition, "claim": claim, "wrong_pct": rate}
        for (condition, claim), rate in found.items()
    ]
