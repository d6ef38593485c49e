"""What site effects are regressed on is declared, checked, and reaches the registry."""

from datetime import date

import pytest

from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.registry_tables import registry_tables


def test_site_covariates_and_moderators_reach_the_registry(programme_files, write_folder, tmp_path) -> None:
    built = registry_tables(load_programme(write_folder(programme_files)), tmp_path, date(2024, 12, 1))
    assert [tuple(row.values()) for row in built["analysis_moderators"].to_pylist()] == [
        ("endline_2024", "fidelity_pct", 1),
        ("endline_2024", "log_eligible", 2),
    ]
    assert [tuple(row.values())[1:] for row in built["site_covariates"].to_pylist()] == [
        ("fidelity_pct", 81.0)
    ]
    assert {row["pool_designs"] for row in built["analyses"].to_pylist()} == {"apart"}


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("sites.yml", "{fidelity_pct: 81}", "{government: 1}", "follows from the site itself"),
        ("sites.yml", "{fidelity_pct: 81}", "{fidelity_pct: often}", "valid number"),
        ("sites.yml", "{fidelity_pct: 81}", "{fidelity_pct: inf}", "finite number"),
        ("analyses.yml", "[fidelity_pct, log_eligible]", "[fidelty_pct]", "'fidelty_pct' is not declared"),
        ("analyses.yml", "[fidelity_pct, log_eligible]", "[government, government]", "is listed twice"),
        ("analyses.yml", "role: headline", "pool_designs: mixed", "one of apart, together"),
    ],
)
def test_a_moderator_that_cannot_be_used_is_a_fault_with_a_remedy(
    programme_files, write_folder, file, old, new, said
) -> None:
    assert old in programme_files[file]
    changed = programme_files | {file: programme_files[file].replace(old, new)}
    found = [str(fault) for fault in check_programme(write_folder(changed))]
    assert any(said in fault and "Remedy:" in fault for fault in found), found
