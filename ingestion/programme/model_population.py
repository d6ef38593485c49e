"""The population that a programme's sites are to stand for: areas with covariates, some of them ours.

In: what programme.yml says, and one CSV file of areas. Out: `TargetPopulation` and its `Area`s, or what is
wrong with a line. No person is in it.
"""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from ingestion.programme.words import Code, Day, Id, Part, Text, normal_code


class TargetPopulation(Part):
    """The areas a programme wants to speak for: one row each, with what was known of all of them before."""

    areas: Text = Field(description="CSV file with one row per area, relative to the programme folder.")
    area: Code = Field("area", description="Its column that names the area.")
    site: Code = Field("site", description="Its column with the code of our site; blank where it is none.")
    covariates: list[Id] = Field(
        min_length=1, description="Its columns of numbers that the areas are compared on."
    )
    dated: Day
    ground: Text = Field(description="Where the figures come from.")


@dataclass(frozen=True)
class Area:
    """One area; `site` is null where the programme does not run in it."""

    area: str
    site: str | None
    values: Mapping[str, float]


@dataclass(frozen=True)
class AreaFault:
    """What is wrong in the file, on which of its lines."""

    line: int
    message: str
    remedy: str


def read_areas(
    folder: Path, population: TargetPopulation, sites: Mapping[str, str]
) -> tuple[list[Area], list[AreaFault]]:
    """The areas of the file, and everything wrong with it.

    Args:
        folder: The programme's folder.
        population: What programme.yml says of the file.
        sites: Site by its code, as `normal_code` writes it.
    """
    try:
        text = (folder / population.areas).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "cannot be read"
        return [], [AreaFault(1, f"the file of areas {what}", "check its name and save it as UTF-8")]
    reader = csv.DictReader(text.splitlines())
    needed = [population.area, population.site, *population.covariates]
    if absent := [name for name in needed if name not in (reader.fieldnames or [])]:
        return [], [
            AreaFault(1, f"the file of areas has no column '{absent[0]}'", "correct the column's name")
        ]
    areas: list[Area] = []
    faults: list[AreaFault] = []
    seen: set[str] = set()
    for row in reader:
        found = list(_faults(row, population, sites, seen))
        faults += [AreaFault(reader.line_num, *words) for words in found]
        if not found:
            code = normal_code(row[population.site] or "")
            values = {name: float(row[name]) for name in population.covariates}
            areas.append(Area(row[population.area].strip(), sites.get(code), values))
    return areas, faults


def _faults(
    row: Mapping[str, str | None], population: TargetPopulation, sites: Mapping[str, str], seen: set[str]
) -> Iterator[tuple[str, str]]:
    area = (row[population.area] or "").strip()
    if not area or area in seen:
        what = f"the area '{area}' stands twice" if area else "an area has no name"
        yield what, "give each area one row with a name of its own"
    seen.add(area)
    code = normal_code(row[population.site] or "")
    if code and code not in sites:
        yield f"'{code}' is no site's code", "write a code of sites.yml, or leave it blank"
    for name in population.covariates:
        if not _is_number(row[name]):
            yield f"'{name}' of area '{area}' is no number", "write one, or leave the area out and say so"


def _is_number(text: str | None) -> bool:
    try:
        return math.isfinite(float(text or ""))
    except ValueError:
        return False
