"""An index in a programme: what is refused, what the registry says of it, which numbers are frozen."""

from datetime import date

import numpy as np
import pytest

from ingestion.programme.freezing import NotFrozen, frozen_index, frozen_yaml
from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.registry_tables import registry_tables

INDEX = """\
title: Well-being
unit: standard deviations
statistic: index_anderson
of_indicators:
  - {indicator: mood, mean: 3.0, sd: 0.8, weight: 1.25}
  - {indicator: reads_pct, mean: 40, sd: 49, weight: 0.5, reversed: true}
  - {indicator: spend, mean: 12.5, sd: 4, weight: 0.75}
standardised: {frozen_on: 2024-01-05, ground: control arm at baseline, mean: 0.1, sd: 0.7}
direction: higher_is_better
"""


@pytest.fixture
def tables(programme_files, write_folder):
    def registry(text):
        folder = write_folder(programme_files | {"indicators/index.yml": text})
        return registry_tables(load_programme(folder), folder, date(2025, 6, 1))

    return registry


def test_the_registry_says_how_each_component_counts(tables):
    rows = tables(INDEX)["index_components"].to_pylist()
    found = {
        row["component"]: (row["component_order"], row["sign"], row["weight"], row["sd"]) for row in rows
    }
    assert found == {"mood": (1, 1, 1.25, 0.8), "reads_pct": (2, -1, 0.5, 49.0), "spend": (3, 1, 0.75, 4.0)}


def test_a_component_whose_direction_differs_counts_backwards(tables):
    rows = tables(INDEX.replace("direction: higher", "direction: lower"))["index_components"].to_pylist()
    assert {row["component"]: row["sign"] for row in rows} == {"mood": -1, "reads_pct": -1, "spend": -1}


def test_an_index_is_expected_where_all_its_components_are(tables):
    cells = tables(INDEX)["expected_cells"].to_pylist()
    places = {name: set() for name in ("index", "mood", "spend", "reads_pct")}
    for row in cells:
        if row["indicator"] in places:
            places[row["indicator"]].add((row["site"], row["wave"], row["basis"]))
    assert places["index"] == places["mood"] & places["spend"] & places["reads_pct"] != set()


def test_what_was_registered_of_an_index_includes_its_components(programme_files, write_folder, tables):
    def hashes():
        rows = tables(INDEX)["analysis_indicators"].to_pylist()
        return {row["indicator"]: row["definition_hash"] for row in rows if row["analysis"] == "first_cohort"}

    before = hashes()
    programme_files["indicators/mood.yml"] += "min_answered: 1\n"
    after = hashes()
    assert {name for name in before if before[name] != after[name]} == {"mood", "index"}


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("indicator: mood,", "indicator: moood,", "of_indicators.0.indicator", "not declared"),
        ("indicator: mood,", "indicator: sickness,", "of_indicators.0.indicator", "makes no component"),
        ("indicator: mood,", "indicator: index,", "of_indicators.0.indicator", "makes no component"),
        ("indicator: mood,", "indicator: spend,", "of_indicators", "twice"),
        (", weight: 1.25", "", "of_indicators.0.weight", "no weight"),
        ("index_anderson", "index_klk", "of_indicators.0.weight", "weigh alike"),
        ("index_anderson", "mean\nof: child_test.days", "of_indicators", "has no 'of_indicators'"),
        (", sd: 0.7", "", "standardised", "together"),
        ("sd: 0.8", "sd: 0", "of_indicators.0.sd", "greater"),
        ("title:", "min_answered: 4\ntitle:", "min_answered", "index's components"),
        ("title:", "effect_scale: risk_difference\ntitle:", "effect_scale", "no risk difference"),
    ],
)
def test_what_makes_no_index_is_refused(programme_files, write_folder, old, new, field, words):
    assert old in INDEX
    folder = write_folder(programme_files | {"indicators/index.yml": INDEX.replace(old, new, 1)})
    faults = [fault for fault in check_programme(folder) if fault.file == "indicators/index.yml"]
    assert any(field in fault.field and words in fault.message and fault.remedy for fault in faults), faults


def test_numbers_frozen_when_outcomes_could_be_seen_are_warned_of(programme_files, write_folder):
    late = INDEX.replace("2024-01-05", "2025-03-01")
    folder = write_folder(programme_files | {"indicators/index.yml": late})
    (fault,) = [fault for fault in check_programme(folder) if fault.file == "indicators/index.yml"]
    assert fault.severity == "warning" and "frozen after the analysis" in fault.message


def people(n=200, seed=1):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=n)
    return np.column_stack([10 + 3 * shared + rng.normal(size=n), 2 - shared, rng.normal(50, 9, n)])


def test_frozen_numbers_are_those_of_numpy_and_give_a_standard_index():
    values = people()
    values[:7, 1] += np.random.default_rng(2).normal(size=7)
    values[190:, 2] = np.nan
    frozen = frozen_index(values, ["a", "b", "c"], [1, -1, 1], "index_anderson")
    assert frozen.means == pytest.approx(np.nanmean(values, axis=0), rel=1e-12)
    assert frozen.sds == pytest.approx(np.nanstd(values, axis=0, ddof=1), rel=1e-12)
    z = (values[:190] - frozen.means) / frozen.sds * [1, -1, 1]
    ones = np.ones(3)
    assert frozen.weights == pytest.approx(np.linalg.solve(np.cov(z.T), ones), rel=1e-9)
    index = z @ frozen.weights / sum(frozen.weights)
    assert (frozen.mean, frozen.sd) == pytest.approx((index.mean(), index.std(ddof=1)), rel=1e-9)
    assert (frozen.counts, frozen.n) == ([200, 200, 190], 190)


def test_the_least_variance_is_what_the_weights_give():
    """Anderson's index is the mean of z-scores with the smallest variance of all."""
    values = people() + np.random.default_rng(3).normal(size=(200, 3))
    frozen = frozen_index(values, ["a", "b", "c"], [1, 1, 1], "index_anderson")
    z = (values - frozen.means) / frozen.sds
    rng = np.random.default_rng(4)
    for _ in range(50):
        other = np.array(frozen.weights) + rng.normal(0, 0.2, 3)
        assert (z @ other / other.sum()).std(ddof=1) >= frozen.sd - 1e-12


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.column_stack([np.arange(9.0), np.ones(9), np.arange(9.0)]), "b does not vary"),
        (np.column_stack([np.arange(9.0), np.full(9, np.nan), np.arange(9.0)]), "b does not vary"),
        (people(3), "only 3 of them"),
        (people()[:, [0, 0, 1]], "follows from the others"),
    ],
)
def test_people_who_give_no_index_are_refused(values, words):
    with pytest.raises(NotFrozen, match=words):
        frozen_index(values, ["a", "b", "c"], [1, 1, 1], "index_anderson")


def test_what_is_printed_can_be_pasted(programme_files, write_folder):
    names, signs = ["mood", "reads_pct", "spend"], [1, -1, 1]
    values = people() + np.random.default_rng(3).normal(size=(200, 3))
    frozen = frozen_index(values, names, signs, "index_anderson")
    text = frozen_yaml(frozen, names, signs, "index_anderson", "2024-01-05", "control arm of siaya")
    whole = f"title: Index\nunit: standard deviations\ndirection: higher_is_better\n{text}\n"
    folder = write_folder(programme_files | {"indicators/index.yml": whole})
    index = load_programme(folder).indicator("index")
    assert [one.weight for one in index.of_indicators] == frozen.weights
    assert [(one.mean, one.sd) for one in index.of_indicators] == list(
        zip(frozen.means, frozen.sds, strict=True)
    )
    assert index.standardised.sd == frozen.sd and index.standardised.ground.endswith("n 200")
