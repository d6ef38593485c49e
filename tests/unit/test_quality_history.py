"""Verdicts, thresholds and waivers are kept night by night, once each, and can be queried over time."""

from datetime import date

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from expectations.compile import RULES
from expectations.judge import JUDGEMENTS
from expectations.waiver import WAIVERS
from orchestration.cli import app
from orchestration.quality.history import keep, query


def night(home, as_of: date, state: str, threshold: float) -> list:
    verdict = {
        "rule": "in_range__form__age",
        "rule_type": "range",
        "severity": "critical",
        "site": "north",
        "wave": "endline",
        "indicator": "score",
        "state": state,
        "measured": 7.0,
        "comparison": "at_most",
        "threshold": threshold,
    }
    rule = {
        "rule": "in_range__form__age",
        "rule_type": "range",
        "threshold": threshold,
        "set_by": "A. Lead",
        "set_on": as_of,
        "ground": f"limit {threshold:g}",
    }
    judgements = [verdict, verdict | {"rule": "fresh", "state": "not_applicable"}]
    # a rule of two waves stands twice in the registry, and is one threshold
    rules = [rule | {"wave": "baseline"}, rule | {"wave": "endline"}]
    return keep(
        home,
        {"as_of_date": as_of, "rules": f"rules of {threshold:g}"},
        pa.Table.from_pylist(judgements, schema=JUDGEMENTS),
        pa.Table.from_pylist(rules, schema=RULES),
        pa.Table.from_pylist([], schema=WAIVERS),
    )


def test_a_verdict_is_followed_from_night_to_night_and_a_changed_threshold_is_told(tmp_path):
    night(tmp_path, date(2026, 3, 1), "fail", 5.0)
    night(tmp_path, date(2026, 3, 2), "pass", 8.0)
    rows = query(tmp_path, "select as_of_date, state, threshold from verdicts order by 1").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (date(2026, 3, 1), "fail", 5.0),
        (date(2026, 3, 2), "pass", 8.0),
    ]
    told = CliRunner().invoke(app, ["quality", "thresholds", "--home", str(tmp_path)]).output
    assert "limit 8" in " ".join(told.split())
    assert "limit 5" in " ".join(told.split())


def test_a_night_that_is_judged_twice_alike_is_kept_once(tmp_path):
    first = night(tmp_path, date(2026, 3, 1), "fail", 5.0)
    assert night(tmp_path, date(2026, 3, 1), "fail", 5.0) == first
    assert night(tmp_path, date(2026, 3, 1), "pass", 5.0) != first
    assert night(tmp_path, date(2026, 3, 1), "pass", 9.0) != first
    kept = query(tmp_path, "select state, rules_fingerprint from verdicts order by judged_at").to_pylist()
    assert [tuple(row.values()) for row in kept] == [
        ("fail", "rules of 5"),
        ("pass", "rules of 5"),
        ("pass", "rules of 9"),
    ]


@pytest.mark.parametrize(
    ("options", "is_shown"),
    [
        ([], True),
        (["--rule", "in_range"], True),
        (["--rule", "in_range__form__age"], True),
        (["--rule", "in_rang"], False),
        (["--site", "north"], True),
        (["--site", "south"], False),
    ],
)
def test_the_command_shows_what_did_not_pass(tmp_path, options, is_shown):
    night(tmp_path, date(2026, 3, 1), "fail", 5.0)
    night(tmp_path, date(2026, 3, 2), "pass", 5.0)
    done = CliRunner().invoke(app, ["quality", "history", "--home", str(tmp_path), *options])
    assert done.exit_code == 0
    assert ("2026-03-01" in "".join(done.output.split())) == is_shown
    assert "2026-03-02" not in "".join(done.output.split())


def test_a_home_without_a_night_says_what_to_run(tmp_path):
    done = CliRunner().invoke(app, ["quality", "history", "--home", str(tmp_path)])
    assert done.exit_code == 2
    assert "sitewise nightly" in done.output
