"""The programme office's own CSV files: the listing with its assignment, per country, and the tracking sheet.

In: the population and the visits. Out: bytes of CSV by path within the programme. The two countries name and
code their columns differently, and Kenya's second file has its columns in another order.
"""

from collections.abc import Sequence

import polars as pl

from ingestion.simulate import story
from ingestion.simulate.fieldwork import RESULTS
from ingestion.simulate.ledger import Ledger, source_of
from ingestion.simulate.people import Population
from ingestion.simulate.rendering import csv_bytes

EARLY, LATE = ("pilot", "scale_pilot"), ("scaled",)


def write_assignment(population: Population, ledger: Ledger) -> dict[str, bytes]:
    """The listing of each country, a file for the sites listed in 2024 and one for those of 2025."""
    files = {}
    for country, name in story.COUNTRY_NAME.items():
        for year, stages in ((2024, EARLY), (2025, LATE)):
            orders = [
                place.order for place in ledger.sites if place.country == country and place.stage in stages
            ]
            rows = population.children.filter(pl.col("site").is_in(orders))
            if rows.is_empty():
                continue
            table = _kenya(rows, year) if country == "KE" else _uganda(rows)
            path = f"exports/frame/{name}/assignment_{year}.csv"
            files[path] = csv_bytes(table)
            ledger.wrote(f"assignment_{name}", path, len(table))
            for place in ledger.sites:
                replaced = rows.filter((pl.col("site") == place.order) & pl.col("replaces").is_not_null())
                if len(replaced):
                    ledger.enter("replacement", f"assignment_{name}", place.site, "*", len(replaced))
    return files


def _band(rows: pl.DataFrame) -> pl.Series:
    return rows.select(pl.when(pl.col("age") < 9).then(pl.lit("7-8")).otherwise(pl.lit("9-11"))).to_series()


def _kenya(rows: pl.DataFrame, year: int) -> pl.DataFrame:
    columns = {
        "child_id": rows["child_id"],
        "site": rows["code"],
        "ward": rows["block"],
        "village": rows["village"],
        "arm": rows["is_treated"].cast(pl.Int64),
        "sex": rows["is_female"].cast(pl.Int64) + 1,
        "age_band": _band(rows),
        "replaces_id": rows["replaces"],
        "child_name": rows.select(pl.format("Child {}", "number")).to_series(),
    }
    names = list(columns) if year == 2024 else ["site", "village", "ward", "child_name", "child_id", "sex"]
    order = names + [name for name in columns if name not in names]
    return pl.DataFrame({name: columns[name] for name in order})


def _uganda(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        pupil=pl.col("child_id"),
        site_code=pl.col("code"),
        parish=pl.col("block"),
        village=pl.col("village"),
        grp=pl.when(pl.col("is_treated")).then(pl.lit("T")).otherwise(pl.lit("C")),
        gender=pl.when(pl.col("is_female")).then(pl.lit("F")).otherwise(pl.lit("M")),
        age_band=_band(rows),
        replacement_for=pl.col("replaces"),
    )


def write_tracking(population: Population, visits: pl.DataFrame, ledger: Ledger) -> dict[str, bytes]:
    """The tracking sheet: one row per child and wave visited, with the visit's result.

    Where the form itself tells the result (ODK), only the visits without a form are listed.
    """
    odk = [place.order for place in ledger.sites if place.platform == "odk"]
    told_by_form = pl.col("site").is_in(odk) & pl.col("result").is_in(["complete", "refused"])
    people = population.children.select("child", "child_id", "code")
    listed = visits.filter(~told_by_form).join(people, on="child", how="left", maintain_order="left")
    table = listed.sort("visited", "child").select(
        child_id=pl.col("child_id"),
        site=pl.col("code"),
        wave=pl.col("wave"),
        visited_on=pl.col("visited").dt.strftime("%Y-%m-%d"),
        result=pl.col("result").replace_strict(RESULTS, return_dtype=pl.Int64),
        tracker_name=pl.format("Tracker {}", pl.col("child") % 9 + 1),
    )
    for result in ("refused", "moved", "dead", "not_found"):
        groups = visits.filter(pl.col("result") == result).partition_by("site", "wave", as_dict=True)
        for (site, wave), rows in sorted(groups.items()):
            place = ledger.sites[int(site)]
            is_in_form = result == "refused" and place.platform == "odk"
            source = source_of(place.platform, str(wave)) if is_in_form else "tracking"
            ledger.enter(f"disposition_{result}", source, place.site, str(wave), len(rows))
    path = "exports/tracking/tracking.csv"
    ledger.wrote("tracking", path, len(table))
    return {path: csv_bytes(table)}


def countries(sites: Sequence[story.Place]) -> list[str]:
    """The countries with a site, in their fixed order."""
    return [country for country in story.COUNTRY_NAME if any(place.country == country for place in sites)]
