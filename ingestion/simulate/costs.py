"""The programme office's register of costs: what was bought for each site, in dollars at prices of 2025.

In: the population. Out: bytes of CSV by path within the programme. Some is fixed for a site, some goes with
the children reached, surveyed or not; government sites buy in bulk. No random number is drawn.
"""

from collections.abc import Iterator

import polars as pl

from ingestion.simulate import story
from ingestion.simulate.ledger import Ledger
from ingestion.simulate.people import Population
from ingestion.simulate.rendering import csv_bytes

PATH = "exports/office/costs.csv"
PERIODS = {"preparation": "baseline", "delivery": "endline"}
CATEGORIES = {
    "salaries": "staff",
    "training": "training",
    "books": "materials",
    "travel": "transport",
    "office": "overhead",
    "study": "evaluation",
}
# What a stage pays of the pilot's prices, and how many children it reaches for each one surveyed, in percent.
_PRICES_AT = {"pilot": 100, "scale_pilot": 85, "scaled": 60}
_REACHED_AT = {"pilot": 110, "scale_pilot": 180, "scaled": 300}
# kind, period, fixed dollars of a site, dollars for each child reached, who paid
_BOUGHT = (
    ("training", "preparation", 900, 0, "paid"),
    ("books", "preparation", 0, 6, "paid"),
    ("salaries", "delivery", 1200, 14, "paid"),
    ("salaries", "delivery", 0, 5, "donated"),
    ("travel", "delivery", 300, 2, "paid"),
    ("office", "delivery", 700, 0, "paid"),
    ("study", "delivery", 2500, 0, "paid"),
)


def write_costs(population: Population, ledger: Ledger) -> dict[str, bytes]:
    """The register: for every site a row per purchase, and two where a part of it is fixed."""
    assigned = population.children.filter(pl.col("is_treated") & pl.col("replaces").is_null())
    children = dict(assigned.group_by("site").len().rows())
    rows = [row for place in ledger.sites for row in _purchases(place, children.get(place.order, 0))]
    table = pl.DataFrame(rows)
    ledger.wrote("costs", PATH, len(table))
    return {PATH: csv_bytes(table)}


def _purchases(place: story.Place, children: int) -> Iterator[dict[str, str | int]]:
    reached = children * (_REACHED_AT[place.stage] + 13 * place.order % 90) // 100
    for kind, period, fixed, each, paid_by in _BOUGHT:
        # a site's prices are its own: up to a fifth above those of the cheapest
        share = _PRICES_AT[place.stage] * (100 + 7 * place.order % 20)
        for sort, cents in (("fixed", fixed * share), ("variable", each * reached * share)):
            if cents:
                yield {
                    "site": place.code,
                    "period": period,
                    "kind": kind,
                    "sort": sort,
                    "paid_by": paid_by,
                    "usd": f"{cents / 10000:.2f}",
                    "prices_of": 2025,
                    "children": reached,
                }
