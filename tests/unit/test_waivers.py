"""A waiver makes a warning of a failure at the site it names, until its last day, and says who answers."""

from datetime import date

import pyarrow as pa
import pytest

from expectations.fault import RuleFaults
from expectations.rule import load_rules
from expectations.waiver import waived, waiver_table
from ingestion.programme.entries import read_entries
from orchestration.change import fingerprint

REGISTRY = {
    "rules": pa.table({"rule": ["in_range__form__age", "in_range__form__score", "arms"]}),
    "sites": pa.table({"site": ["north", "south"]}),
    "waves": pa.table({"wave": ["baseline", "endline"]}),
    "indicators": pa.table({"indicator": ["score"]}),
}
GOOD = """
- {rule: in_range, site: north, wave: endline, who: A. Lead, why: the scale was mended on the spot,
   from: 2026-01-10, until: 2026-03-31}
"""
FAILED = {"rule": "in_range__form__age", "site": "north", "wave": "endline", "indicator": "score"}


def table(tmp_path, text: str, as_of: date = date(2026, 2, 1)) -> list[dict]:
    file = tmp_path / "waivers.yml"
    file.write_text(text)
    return waiver_table(read_entries(file), REGISTRY, as_of).to_pylist()


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        (date(2026, 1, 9), "not_yet"),
        (date(2026, 1, 10), "in_force"),
        (date(2026, 3, 31), "in_force"),
        (date(2026, 4, 1), "expired"),
    ],
)
def test_a_waiver_holds_from_its_first_day_to_its_last(tmp_path, as_of, state):
    waivers = table(tmp_path, GOOD, as_of)
    assert [row["state"] for row in waivers] == [state]
    told = waived(FAILED, "fail", "20% of 50 against at most 5%", waivers)
    if state == "in_force":
        words = "waived by A. Lead until 2026-03-31 (the scale was mended on the spot): "
        assert told == ("warn", words + "20% of 50 against at most 5%", waivers[0]["waiver"])
    else:
        assert told == ("fail", "20% of 50 against at most 5%", None)


@pytest.mark.parametrize(
    ("judgement", "state"),
    [
        ({"site": "south"}, "fail"),
        ({"wave": "baseline"}, "fail"),
        ({"rule": "arms"}, "fail"),
        # of the site as a whole, and so of more than the one wave that is waived
        ({"wave": "*"}, "fail"),
        ({"indicator": "*"}, "warn"),
        ({"rule": "in_range__form__score"}, "warn"),
        ({"rule": "in_range"}, "warn"),
    ],
)
def test_it_touches_what_it_names_and_nothing_beyond(tmp_path, judgement, state):
    assert waived(FAILED | judgement, "fail", "why", table(tmp_path, GOOD))[0] == state


def test_what_was_not_evaluated_is_waived_only_where_that_is_said(tmp_path):
    assert waived(FAILED, "error", "why", table(tmp_path, GOOD))[0] == "error"
    said = GOOD.replace("until: 2026-03-31}", "until: 2026-03-31, not_evaluated: true}")
    assert waived(FAILED, "error", "why", table(tmp_path, said))[0] == "warn"


@pytest.mark.parametrize("state", ["pass", "warn", "not_applicable"])
def test_nothing_but_a_failure_is_changed(tmp_path, state):
    assert waived(FAILED, state, "why", table(tmp_path, GOOD)) == (state, "why", None)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (("until: 2026-03-31", "until: 2025-12-31"), "waiver", "lies before"),
        (("until: 2026-03-31", "until: 2027-03-31"), "waiver", "more than a year"),
        (("north", "nort"), "waiver.site", "there is no site 'nort'. Remedy: write 'north'"),
        (("in_range", "in_rnge"), "waiver.rule", "Remedy: write 'in_range'"),
        (("wave: endline", "wave: midline"), "waiver.wave", "there is no wave 'midline'"),
        (("who: A. Lead, ", ""), "waiver.who", "'who' is missing"),
        (("why: the scale was mended on the spot", "why: x"), "waiver.why", "at least 10"),
        (("who:", "by_whom:"), "waiver.by_whom", "a waiver has no field 'by_whom'"),
        (("until: 2026-03-31", "until: soon"), "waiver.until", "date"),
    ],
)
def test_a_waiver_that_is_not_whole_is_refused_with_file_line_and_remedy(tmp_path, change, field, words):
    with pytest.raises(RuleFaults) as refused:
        table(tmp_path, GOOD.replace(*change))
    told = [str(fault) for fault in refused.value.faults]
    assert any(f"waivers.yml:{2 + ('until' in field)} {field}: " in one and words in one for one in told), (
        told
    )


def test_the_same_waived_twice_is_refused(tmp_path):
    with pytest.raises(RuleFaults, match="waived twice"):
        table(tmp_path, GOOD + GOOD)


def test_a_type_that_sees_outcomes_may_only_warn(tmp_path):
    rule = """
- {rule: who_asked, type: enumerator_effect, severity: SEVERITY, threshold_share: 0.2,
   set_by: me, set_on: 2026-01-01, ground: a fifth of the variance is too much}
"""
    file = tmp_path / "rules.yml"
    file.write_text(rule.replace("SEVERITY", "critical"))
    with pytest.raises(RuleFaults) as refused:
        load_rules(read_entries(file))
    [fault] = refused.value.faults
    assert (fault.line, fault.field) == (2, "rule.severity")
    assert "Remedy: write severity: warning" in str(fault)
    file.write_text(rule.replace("SEVERITY", "warning"))
    assert [one.name for one in load_rules(read_entries(file))] == ["who_asked"]


@pytest.mark.parametrize(
    ("night", "next_night", "is_seen"),
    [
        (date(2026, 3, 30), date(2026, 3, 31), False),
        (date(2026, 3, 31), date(2026, 4, 1), True),
        (date(2026, 1, 9), date(2026, 1, 10), True),
        (date(2026, 4, 1), date(2026, 4, 2), False),
    ],
)
def test_a_night_sees_that_a_waiver_began_or_ended_though_nothing_else_changed(
    tmp_path, night, next_night, is_seen
):
    file = tmp_path / "waivers.yml"
    file.write_text(GOOD)
    seen = [
        fingerprint({"waivers": waiver_table(read_entries(file), REGISTRY, as_of)}, as_of)
        for as_of in (night, next_night)
    ]
    assert (seen[0] != seen[1]) == is_seen
