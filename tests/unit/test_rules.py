"""Rules as YAML: what is accepted, what is refused and how the refusal reads."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from expectations.fault import RuleFaults
from expectations.rule import fingerprint, load_rules, shipped_rules_folder
from ingestion.programme.entries import read_entries

SOUND = """
- rule: child_age_range
  type: range
  item: child_test.age
  min: 5
  max: 18
  severity: critical
  threshold_pct: 2
  set_by: A. Analyst
  set_on: 2026-01-10
  ground: The programme serves school ages
"""


def rules_of(folder: Path, text: str):
    path = folder / "own.yml"
    path.write_text(text)
    return load_rules(read_entries(path))


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(RuleFaults) as caught:
        rules_of(folder, text)
    return [str(fault) for fault in caught.value.faults]


def shipped_entries():
    return [entry for path in sorted(shipped_rules_folder().glob("*.yml")) for entry in read_entries(path)]


def test_a_sound_rule_is_read_with_its_types_defaults(tmp_path):
    (rule,) = rules_of(tmp_path, SOUND)
    assert (rule.name, rule.spec.type, rule.spec.dimension) == ("child_age_range", "range", "validity")
    assert (rule.spec.scope, rule.spec.comparison, rule.spec.unit, rule.spec.threshold) == (
        "indicator",
        "at_most",
        "percent",
        2.0,
    )


def test_shipped_rules_load_and_each_says_who_set_it_and_why():
    rules = load_rules(shipped_entries())
    assert {rule.spec.type for rule in rules} == {
        "required_answered",
        "range",
        "allowed_values",
        "readable",
        "aggregate_consistent",
        "form_constraint",
        "form_relevance",
        "form_required",
        "key_unique",
        "in_frame",
        "frame_unique",
        "volume_against_frame",
        "arm_shares",
        "freshness",
        "delivered",
        "claimed_once",
        "form_version_drift",
        "unmapped_questions",
        "lateness",
        "shrinkage",
        "orphan_rows",
        "cluster_counts",
        "disposition_share",
        "ids_vanish",
        "arm_changes",
        "attrition",
        "attrition_differential",
        "baseline_balance",
        "interview_duration",
        "night_interviews",
        "enumerator_productivity",
        "enumerator_missing",
        "enumerator_effect",
        "near_duplicates",
        "overlapping_interviews",
        "same_place",
        "back_check_error_rate",
        "back_check_reliability",
    }
    assert all(rule.spec.ground and rule.spec.set_by and rule.spec.description for rule in rules)
    assert all(Path(rule.entry.file).stem == rule.spec.dimension for rule in rules)


def test_no_shipped_rule_names_an_item_or_a_wave():
    assert all(
        getattr(rule.spec, "item", None) is None and not rule.spec.waves
        for rule in load_rules(shipped_entries())
    )


def test_every_fault_of_every_rule_is_told_at_once_with_its_line(tmp_path):
    text = SOUND.replace("threshold_pct: 2", "treshold_pct: 2").replace(
        "severity: critical", "severity: fatal"
    )
    told = faults_of(
        tmp_path, text + SOUND.replace("type: range", "type: rang").replace("child_age", "other_age")
    )
    assert any("own.yml:8 rule.treshold_pct" in line and "write 'threshold_pct'" in line for line in told)
    assert any("rule.threshold_pct: 'threshold_pct' is missing" in line for line in told)
    assert any("own.yml:7 rule.severity" in line for line in told)
    assert any(
        "own.yml:14 rule.type: there is no rule type 'rang'" in line and "write 'range'" in line
        for line in told
    )


def test_a_fault_reads_as_a_programmes_fault_does(tmp_path):
    from ingestion.programme.faults import Fault

    with pytest.raises(RuleFaults) as caught:
        rules_of(tmp_path, SOUND.replace("  severity: critical\n", ""))
    (fault,) = caught.value.faults
    assert str(fault) == str(Fault(fault.file, fault.line, fault.field, fault.message, fault.remedy))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("threshold_pct: 2", "threshold_pct: 100", "can never fail"),
        ("threshold_pct: 2", "threshold_pct: -1", "can never pass"),
        ("threshold_pct: 2", "threshold_pct: .inf", "number"),
        ("threshold_pct: 2", "threshold_pct: true", "not true or false"),
        ("min: 5", "min: 50", "every answer would violate"),
        ("  item: child_test.age\n", "", "need the `item`"),
        ("rule: child_age_range", "rule: Child Age", "no valid id"),
        ("  set_by: A. Analyst\n", "", "'set_by' is missing"),
        ("  type: range\n", "", "no type"),
    ],
)
def test_a_rule_that_could_not_work_is_refused(tmp_path, before, after, told):
    assert any(told in line for line in faults_of(tmp_path, SOUND.replace(before, after)))


@pytest.mark.parametrize(
    ("kind", "threshold"),
    [
        ("volume_against_frame", "threshold_pct: 0"),
        ("arm_shares", "threshold_p: 0"),
        ("arm_shares", "threshold_p: 1"),
        ("freshness", "threshold_days: 100000"),
        ("key_unique", "threshold_pct: 100"),
    ],
)
def test_a_threshold_that_decides_nothing_is_refused(tmp_path, kind, threshold):
    head = f"- {{rule: r, type: {kind}, {threshold}, severity: critical, "
    told = faults_of(tmp_path, head + "set_by: me, set_on: 2026-01-01, ground: none}")
    assert len(told) == 1
    assert "never" in told[0] or "would fail every site" in told[0]


def test_a_rule_written_twice_is_refused_with_both_places(tmp_path):
    (told,) = faults_of(tmp_path, SOUND + SOUND)
    assert "own.yml:13 rule.rule" in told
    assert "own.yml:2" in told


def test_a_programme_replaces_a_shipped_rule_only_by_saying_so(tmp_path):
    path = tmp_path / "own.yml"
    path.write_text(
        "- {rule: interviews_against_the_frame, replaces: interviews_against_the_frame,"
        " type: volume_against_frame,"
        " severity: critical, threshold_pct: 30, set_by: me, set_on: 2026-01-01, ground: late entrants}"
    )
    rules = load_rules([*shipped_entries(), *read_entries(path)])
    (rule,) = [rule for rule in rules if rule.name == "interviews_against_the_frame"]
    assert rule.spec.threshold == 30
    path.write_text(path.read_text().replace("replaces: interviews_against", "replaces: interview_against"))
    with pytest.raises(RuleFaults, match="write 'interviews_against_the_frame'"):
        load_rules([*shipped_entries(), *read_entries(path)])


@dataclass
class Elsewhere:
    data: dict
    file: str = "elsewhere.yml"
    line: int = 77
    lines: dict = field(default_factory=dict)

    def line_of(self, path: str) -> int:
        return self.line


def test_the_fingerprint_is_of_what_rules_say_not_of_where_they_stand():
    entries = shipped_entries()
    moved = [Elsewhere(entry.data) for entry in reversed(entries)]
    assert fingerprint(load_rules(entries)) == fingerprint(load_rules(moved))
    changed = [Elsewhere(entries[0].data | {"ground": "another"}), *moved[:-1]]
    assert fingerprint(load_rules(entries)) != fingerprint(load_rules(changed))
