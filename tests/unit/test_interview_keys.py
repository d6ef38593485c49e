"""What a source tells of its interviews: what YAML may say, what enters the lake, which rules may ask."""

import polars as pl
import pytest

from expectations.compile import rule_tables
from expectations.fault import RuleFaults
from expectations.rule import load_rules
from ingestion.platforms.protocol import Original
from ingestion.programme.entries import read_entries
from ingestion.programme.load import check_programme, load_programme
from ingestion.programme.registry_tables import registry_tables
from ingestion.rows.reading import read_originals

KEYS = "keys: {unit: child_id, site: g/site"
SOURCE = """\
- source: told
  role: survey
  platform: csv
  instrument: child_test
  wave: endline
  pull: {drop: told/*.csv}
  keys: {unit: child_id, site: g/site, record: key, TOLD}
"""
TOLD = "enumerator: who, started_at: start, ended_at: end, position: gps"
PAIR = "latitude: lat, longitude: lon"
RULE = "set_by: me, set_on: 2026-01-01, ground: a test, severity: warning"


@pytest.mark.parametrize(
    ("told", "field", "message", "remedy"),
    [
        ("enumerator: {column: who, map: {1: ann}}", "enumerator.map", "map is not used", "name alone"),
        ("latitude: lat", "latitude", "both of its numbers", "latitude and longitude"),
        ("position: gps, latitude: lat, longitude: lon", "position", "named twice", "or latitude"),
        ("position: gps", "position", "exact places", "privacy.coarsen"),
        ("latitude: lat, longitude: lon", "longitude", "exact places", "privacy.coarsen"),
    ],
)
def test_keys_that_cannot_be_meant_are_refused(
    programme_files, write_folder, told, field, message, remedy
) -> None:
    programme_files["sources.yml"] = programme_files["sources.yml"].replace(KEYS, f"{KEYS}, {told}", 1)
    faults = check_programme(write_folder(programme_files))
    assert [
        fault
        for fault in faults
        if fault.field == f"source.keys.{field}" and message in fault.message and remedy in fault.remedy
    ]


def test_a_back_check_needs_what_pairs_it_with_an_interview(programme_files, write_folder) -> None:
    programme_files["sources.yml"] += (
        SOURCE.replace("survey", "back_check").replace(", TOLD", "").replace("  wave: endline\n", "")
    )
    (fault,) = [
        fault for fault in check_programme(write_folder(programme_files)) if "back_check" in fault.message
    ]
    assert (fault.field, fault.remedy) == ("source.wave", "add wave")


@pytest.fixture
def tell(programme_files, write_folder):
    """Makes a programme with a source that tells these keys, its places made coarse."""

    def told(keys):
        programme_files["sources.yml"] += SOURCE.replace("TOLD", keys)
        instrument = programme_files["instruments/child_test.yml"]
        coarse = instrument.replace("privacy: {", "privacy: {coarsen: {gps: 0.1, lat: 0.1, lon: 0.1}, ", 1)
        assert coarse != instrument
        programme_files["instruments/child_test.yml"] = coarse
        return load_programme(write_folder(programme_files))

    return told


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (TOLD, {"gps": "-1.26 36.81 9 4"}),
        (TOLD.replace("position: gps", PAIR), {"lat": "-1.26", "lon": "36.81"}),
    ],
)
def test_times_enter_the_lake_as_one_kind_of_text_and_places_coarse(tell, tmp_path, keys, place) -> None:
    programme = tell(keys)
    (question, *_) = next(iter(programme.instrument("child_test").items.values())).question
    times = {"start": "2024-11-03T09:15:00.123+03:00", "end": "2024-11-03 10:00"}
    first = {"key": "a", "child_id": "1", "g/site": "KE01", "who": " ann ", question: ""} | times | place
    second = first | {"key": "b", "child_id": "2", "who": "", "start": "yesterday", "end": ""}
    second |= dict.fromkeys(place, "nowhere")
    file, into = tmp_path / "told.csv", tmp_path / "into"
    into.mkdir()
    pl.DataFrame([first, second]).write_csv(file)
    read_originals(programme, programme.source("told"), [Original(file.name, file)], into)
    lake = pl.read_parquet(into / "main.parquet").sort("_sw_record_id")
    names = ["_sw_enumerator", "_sw_started_at", "_sw_ended_at", "_sw_position"]
    assert lake.select(names).rows() == [
        ("ANN", "2024-11-03T06:15:00.123Z", "2024-11-03T10:00:00.000", "-1.25 36.85"),
        (None, None, None, None),
    ]


def rules_of(tmp_path, *rules: str):
    path = tmp_path / "own.yml"
    path.write_text("".join(f"- {{{rule}, {RULE}}}\n" for rule in rules))
    return load_rules(read_entries(path))


def test_a_rule_of_ones_own_that_no_source_could_answer_is_refused(
    programme_files, write_folder, tmp_path
) -> None:
    programme = load_programme(write_folder(programme_files))
    registry = registry_tables(programme, tmp_path, programme.analyses[0].registered_on)
    rules = rules_of(
        tmp_path,
        "rule: at_night, type: night_interviews, from_hour: 6, to_hour: 21, threshold_pct: 1",
        "rule: again, type: back_check_error_rate, items: [nonsense], threshold_pct: 1",
    )
    with pytest.raises(RuleFaults) as caught:
        rule_tables(rules, registry)
    at_night, nonsense, again = sorted(caught.value.faults, key=lambda fault: (fault.line, fault.field))
    assert at_night.message == "a rule of type night_interviews needs started_at, which no source tells"
    assert nonsense.field == "rule.items.0" and "nonsense" in nonsense.message
    assert again.message == "a rule of type back_check_error_rate needs back_check, which no source tells"
    assert again.remedy == "add a source with `role: back_check`"


def test_what_a_source_tells_answers_a_rule(tell, tmp_path) -> None:
    programme = tell(TOLD)
    registry = registry_tables(programme, tmp_path, programme.analyses[0].registered_on)
    rules = rules_of(tmp_path, "rule: busy, type: enumerator_productivity, max_per_day: 9, threshold_pct: 1")
    (row,) = rule_tables(rules, registry)["rules"].to_pylist()
    assert row["parameters"] == '{"max_per_day": 9, "needs": ["enumerator"]}'


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("type: interview_duration, threshold_pct: 1", "no interview can violate"),
        ("type: interview_duration, min_minutes: 9, max_minutes: 8, threshold_pct: 1", "every interview"),
        ("type: night_interviews, from_hour: 9, to_hour: 9, threshold_pct: 1", "every interview"),
        ("type: night_interviews, from_hour: 0, to_hour: 24, threshold_pct: 1", "no interview can violate"),
        ("type: enumerator_productivity, max_per_day: 2.5, threshold_pct: 1", "integer"),
        ("type: enumerator_effect, threshold_share: 1", "never fail"),
        ("type: back_check_reliability, threshold_r: 0", "above 0"),
        ("type: near_duplicates, agree_pct: 20, threshold_pct: 1", "greater than or equal to 50"),
    ],
)
def test_a_rule_that_could_not_fail_or_not_pass_is_refused(tmp_path, rule, told) -> None:
    with pytest.raises(RuleFaults) as caught:
        rules_of(tmp_path, f"rule: odd, {rule}")
    assert any(told in fault.message for fault in caught.value.faults)


def test_what_depends_on_the_enumerator_never_withholds_for_it_looks_at_outcomes(tmp_path) -> None:
    path = tmp_path / "own.yml"
    rule = f"rule: odd, type: enumerator_effect, threshold_share: 0.2, {RULE}"
    path.write_text(f"- {{{rule.replace('warning', 'critical')}}}\n")
    with pytest.raises(RuleFaults):
        load_rules(read_entries(path))
