"""The areas a programme is to stand for: read as they are, or refused with the line that is wrong."""

from datetime import date
from pathlib import Path

import pytest

from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.registry_tables import registry_tables

DECLARED = """target_population:
  areas: population/areas.csv
  area: ward
  site: code
  covariates: [rural_pct, schools]
  dated: 2025-01-31
  ground: a census
"""
AREAS = "ward,code,rural_pct,schools\nnorth,ke01,71.5,12\nsouth,,20,3\neast,siaya,44,8\n"


@pytest.fixture
def declared(tmp_path: Path, programme_files: dict[str, str]):
    """Writes the small programme with a target population whose file holds a text."""

    def write(areas: str | None = AREAS, yml: str = DECLARED) -> Path:
        for name, text in programme_files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + (yml if name == "programme.yml" else ""))
        if areas is not None:
            (tmp_path / "population").mkdir(exist_ok=True)
            (tmp_path / "population/areas.csv").write_text(areas)
        return tmp_path

    return write


def test_areas_become_rows_of_the_registry_with_our_sites_named(declared, tmp_path: Path) -> None:
    tables = registry_tables(load_programme(declared()), tmp_path / "home", date(2025, 6, 1))
    areas = {row["area"]: (row["site"], row["ground"]) for row in tables["population_areas"].to_pylist()}
    assert areas == {
        "north": ("kisumu_east", "a census"),
        "south": (None, "a census"),
        "east": ("siaya", "a census"),
    }
    values = {
        (row["area"], row["covariate_order"]): row["value"]
        for row in tables["population_covariates"].to_pylist()
    }
    assert values["north", 1] == 71.5 and values["east", 2] == 8.0 and len(values) == 6


@pytest.mark.parametrize(
    ("areas", "line", "words"),
    [
        (None, 1, "cannot be read"),
        ("ward,code,rural_pct\n", 1, "no column 'schools'"),
        (AREAS + "west,,much,1\n", 5, "'rural_pct' of area 'west' is no number"),
        (AREAS + "west,,inf,1\n", 5, "is no number"),
        (AREAS + "west,,1\n", 5, "'schools' of area 'west' is no number"),
        (AREAS + "north,,1,1\n", 5, "'north' stands twice"),
        (AREAS + ",,1,1\n", 5, "no name"),
        (AREAS + "west,XX9,1,1\n", 5, "'XX9' is no site's code"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(declared, areas: str | None, line: int, words: str) -> None:
    [fault] = [one for one in check_programme(declared(areas)) if "target_population" in one.field]
    assert (fault.file, fault.line) == ("population/areas.csv", line)
    assert words in fault.message and fault.remedy


def test_a_population_without_our_sites_or_outside_the_folder_is_refused(declared) -> None:
    alone = "ward,code,rural_pct,schools\nnorth,,71.5,12\n"
    assert [one.message for one in check_programme(declared(alone)) if "target_population" in one.field] == [
        "none of the areas is a site of the programme"
    ]
    outside = DECLARED.replace("population/areas.csv", "../areas.csv")
    assert [
        one.message for one in check_programme(declared(yml=outside)) if "target_population" in one.field
    ] == ["the file of areas lies outside the programme folder"]
