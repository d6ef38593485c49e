"""An analysis of several contrasts becomes one of each; a frozen deviation reaches the registry."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.model import Programme
from ingestion.programme.registry_design import design_rows
from ingestion.programme.registry_measures import measure_rows

Files = dict[str, str]
ARMS = "arm: {column: arm, map: {1: treatment, 0: control}}"
THREE = "arm: {column: arm, map: {1: treatment_phone, 2: treatment_visit, 0: control}}"
CONTRASTS = """\
- analysis: arms
  title: Phone and visit
  waves: [endline]
  registered_on: 2024-01-10
  indicators: [reads_pct]
  contrasts:
    - {treatment: treatment_phone}
    - {treatment: treatment_visit}
    - {treatment: treatment_visit, control: treatment_phone}
"""


@pytest.fixture
def written(programme_files: Files, write_folder: Callable[[Files], Path]) -> Callable[..., Path]:
    """The small programme with three arms and these analyses."""

    def write(analyses: str, **indicators: str) -> Path:
        programme_files["sources.yml"] = programme_files["sources.yml"].replace(ARMS, THREE)
        programme_files["analyses.yml"] = analyses
        for name, more in indicators.items():
            programme_files[f"indicators/{name}.yml"] += more
        return write_folder(programme_files)

    return write


def rows(programme: Programme, table: str) -> list[Any]:
    return list((design_rows(programme, date(2026, 1, 1)) | measure_rows(programme))[table])


def test_every_contrast_is_an_analysis_of_one_family(written) -> None:
    programme = load_programme(written(CONTRASTS))
    found = [
        (row["analysis"], row["family"], row["treatment_arm"], row["control_arm"])
        for row in rows(programme, "analyses")
    ]
    assert found == [
        ("arms__treatment_phone", "arms", "treatment_phone", "control"),
        ("arms__treatment_visit", "arms", "treatment_visit", "control"),
        ("arms__treatment_visit__treatment_phone", "arms", "treatment_visit", "treatment_phone"),
    ]
    waves = {row["analysis"] for row in rows(programme, "analysis_waves")}
    assert waves == {analysis for analysis, *_ in found}


def test_an_analysis_of_one_contrast_is_its_own_family(programme_files, write_folder) -> None:
    programme = load_programme(write_folder(programme_files))
    assert {row["analysis"] == row["family"] for row in rows(programme, "analyses")} == {True}


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        (
            "- {treatment: treatment_phone}",
            "- {treatment: treatment_fax}",
            "contrasts.0.treatment",
            "treatment_fax",
        ),
        ("- {treatment: treatment_phone}", "- {treatment: treatment_visit}", "contrasts", "listed twice"),
        ("control: treatment_phone}", "control: treatment_visit}", "contrasts.2", "compared with itself"),
        (
            "  contrasts:",
            "  contrast: {treatment: treatment_phone}\n  contrasts:",
            "contrast",
            "both contrast",
        ),
        ("  contrasts:", "  family: other\n  contrasts:", "family", "not written"),
    ],
)
def test_contrasts_that_make_no_sense_are_told(written, old, new, field, message) -> None:
    assert old in CONTRASTS
    faults = check_programme(written(CONTRASTS.replace(old, new, 1)))
    assert [fault for fault in faults if fault.field == f"analysis.{field}" and message in str(fault)], faults


def test_a_frozen_deviation_is_registered_with_its_day_and_ground(written) -> None:
    frozen = "reference_sd: {value: 14.2, frozen_on: 2024-03-31, ground: pilot control group at baseline}\n"
    programme = load_programme(written(CONTRASTS, reads_pct=frozen))
    row = next(row for row in rows(programme, "indicators") if row["indicator"] == "reads_pct")
    assert (row["reference_sd"], row["reference_sd_on"]) == (14.2, date(2024, 3, 31))


@pytest.mark.parametrize("scale", ["log_rate_ratio", "hedges_h"])
def test_an_effect_scale_that_does_not_fit_the_statistic_is_refused(written, scale) -> None:
    faults = check_programme(written(CONTRASTS, reads_pct=f"effect_scale: {scale}\n"))
    assert any(fault.field == "indicator.effect_scale" for fault in faults), faults
