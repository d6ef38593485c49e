"""What an analysis adjusts for is declared, checked, and reaches the registry with its kind and grid."""

from datetime import date
from decimal import Decimal

import pytest

from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.registry_tables import registry_tables


def faults(write_folder, files: dict[str, str], file: str, old: str, new: str) -> list[str]:
    assert old in files[file]
    changed = files | {file: files[file].replace(old, new)}
    return [str(fault) for fault in check_programme(write_folder(changed)) if fault.severity == "error"]


def test_covariates_reach_the_registry_in_their_order(programme_files, write_folder, tmp_path) -> None:
    built = registry_tables(load_programme(write_folder(programme_files)), tmp_path, date(2024, 12, 1))
    assert [tuple(row.values()) for row in built["analysis_covariates"].to_pylist()] == [
        ("first_cohort", "age", 3, "number"),
        ("first_cohort", "baseline", 1, "baseline"),
        ("first_cohort", "female", 2, "levels"),
    ]
    grids = {row["covariate"]: row["resolution"] for row in built["covariates"].to_pylist()}
    assert grids == {"age": Decimal("0.0001"), "income": 1}


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("analyses.yml", "[baseline, female, age]", "[aeg]", "the covariate 'aeg' is not declared"),
        ("analyses.yml", "[baseline, female, age]", "[age, age]", "'age' is listed twice"),
        ("analyses.yml", "  level: network", "  take_up: spend\n  level: network", "'spend' is no share"),
        ("analyses.yml", "  level: network", "  take_up: tried\n  level: network", "'tried' is not declared"),
        ("sources.yml", "{age: age_years,", "{baseline: age_years,", "has the name of something else"),
        ("sources.yml", "{age: age_years,", "{female: age_years,", "has the name of something else"),
        (
            "sources.yml",
            "keys: {unit: child_id, site: g/site}",
            "keys: {unit: child_id, site: g/site, covariates: {age: age}}",
            "tells no covariates",
        ),
        (
            "sources.yml",
            "{female: {column: sex, map: {1: male, 2: female}}}",
            "{female: sex}",
            "the levels of the dimension 'female' are not known",
        ),
    ],
)
def test_a_covariate_that_cannot_be_used_is_a_fault_with_a_remedy(
    programme_files, write_folder, file, old, new, said
) -> None:
    found = faults(write_folder, programme_files, file, old, new)
    assert any(said in fault and "Remedy:" in fault for fault in found), found


def test_two_sources_count_a_covariate_on_one_grid(programme_files, write_folder) -> None:
    listing = "- source: second\n  role: listing\n  platform: csv\n  pull: {drop: second/*.csv}\n"
    keys = "  keys: {unit: child_id, site: site_code, covariates: {age: {column: age, resolution: 1}}}\n"
    files = programme_files | {"sources.yml": programme_files["sources.yml"] + listing + keys}
    found = [str(fault) for fault in check_programme(write_folder(files))]
    assert any("its resolution differs from that in the source 'listing'" in fault for fault in found), found
