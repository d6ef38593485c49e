"""A median or quantile in a programme: what fits together, and what the registry says of it."""

from datetime import date
from decimal import Decimal

import pytest

from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.registry_tables import registry_tables

QUANTILE = """\
title: Spending of the tenth that spend most
unit: USD/month
statistic: quantile
quantile: 0.9
grid: {from: 0, to: 100, step: 0.5}
of: child_test.spend
direction: higher_is_better
"""


def test_a_quantile_is_descriptive_and_counted_in_its_grid(programme_files, write_folder):
    median = QUANTILE.replace("quantile\nquantile: 0.9", "median").replace("grid:", "# grid:")
    files = {"indicators/most.yml": QUANTILE, "indicators/middle.yml": median}
    folder = write_folder(programme_files | files)
    tables = registry_tables(load_programme(folder), folder, date(2025, 6, 1))
    rows = {row["indicator"]: row for row in tables["indicators"].to_pylist()}
    most, middle = rows["most"], rows["middle"]
    assert (most["quantile"], middle["quantile"]) == (Decimal("0.9"), Decimal("0.5"))
    assert [most[f"grid_{end}"] for end in ("low", "high", "step")] == [0, 100, Decimal("0.5")]
    assert middle["grid_step"] is None
    assert most["is_descriptive"] and most["effect_scale"] == "quantile_difference"
    assert rows["spend"]["quantile"] is None
    # converted as a mean of the same item would be
    units = {row["indicator"]: row["to_unit"] for row in tables["indicator_terms"].to_pylist()}
    assert units["most"] == units["spend"] == "USD/month"


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("quantile: 0.9\n", "", "", "which"),
        ("quantile: 0.9", "quantile: 1", "quantile", "less than 1"),
        ("statistic: quantile", "statistic: median", "quantile", "median is the quantile 0.5"),
        ("statistic: quantile", "statistic: amount", "quantile", "has no 'quantile'"),
        ("step: 0.5", "step: 0.3", "grid.step", "do not end"),
        ("step: 0.5", "step: 0.25", "grid.step", "more than 200 bins"),
        ("from: 0,", "from: 100,", "grid.from", "not below"),
        ("grid:", "resolution: 1\ngrid:", "grid", "between two values"),
        ("grid:", "role: primary\nsmallest_effect: 1\ngrid:", "role", "a quantile carries no verdict"),
        ("grid:", "effect_scale: difference\ngrid:", "effect_scale", "has no difference"),
        ("grid:", "effect_scale: hedges_g\ngrid:", "effect_scale", "has no hedges g"),
        ("grid:", "change_from_baseline: true\ngrid:", "change_from_baseline", "no meaning"),
        ("child_test.spend", "child_test.reads", "of", "makes no quantile"),
    ],
)
def test_what_makes_no_quantile_is_refused(programme_files, write_folder, old, new, field, words):
    assert old in QUANTILE
    folder = write_folder(programme_files | {"indicators/most.yml": QUANTILE.replace(old, new, 1)})
    faults = [fault for fault in check_programme(folder) if fault.file == "indicators/most.yml"]
    assert any(field in fault.field and words in fault.message and fault.remedy for fault in faults), faults


def test_other_statistics_have_no_difference_of_quantiles(programme_files, write_folder):
    programme_files["indicators/spend.yml"] += "effect_scale: quantile_difference\n"
    found = check_programme(write_folder(programme_files))
    assert any("no quantile difference" in fault.message for fault in found)


def test_moments_of_a_quantile_are_warned_of(programme_files, write_folder):
    programme_files["sources.yml"] += """\
- source: sent
  role: moments
  platform: csv
  wave: endline
  indicators: [most]
  sites: [siaya]
  pull: {drop: sent/*.csv}
"""
    found = check_programme(write_folder(programme_files | {"indicators/most.yml": QUANTILE}))
    assert [fault.severity for fault in found if "no moments tell" in fault.message] == ["warning"]
