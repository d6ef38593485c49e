"""A night has news when an input, the registry, a rule, the code or a boundary in time changed; else not."""

from datetime import date

import pyarrow as pa
import pytest

from orchestration.change import fingerprint

AS_OF = date(2026, 3, 31)


def registry(**changes):
    """A small registry; a change names a column of its one source, wave, rule or programme."""
    source = {
        "source": "endline",
        "input_hash": "a1",
        "receipt_state": "landed",
        "receipt_message": "3 files read",
        "last_submitted_at": "2026-03-20T08:00:00",
        "max_age_days": 14,
    }
    rule = {"rule": "fresh", "rule_type": "freshness", "threshold": 30.0, "valid_from": date(2026, 4, 2)}
    wave = {"site": "north", "wave": "followup", "state": "in_field"}
    programme = {"programme": "camps", "title": "Camps", "as_of_date": changes.pop("as_of_date", AS_OF)}
    rows = {"sources": source, "rules": rule, "site_waves": wave, "programme": programme}
    for name, value in changes.items():
        [row] = [row for row in rows.values() if name in row]
        row[name] = value
    return {name: pa.Table.from_pylist([row]) for name, row in rows.items()} | {
        "rule_terms": pa.table({"rule": ["fresh"]})
    }


def kinds(*, as_of=AS_OF, **changes):
    """The kinds of fingerprint that differ from the unchanged registry's."""
    before, after = fingerprint(registry(), AS_OF), fingerprint(registry(**changes), as_of)
    return {kind for kind in before if before[kind] != after[kind]}


def test_another_day_without_a_boundary_is_no_news():
    assert kinds(as_of=date(2026, 4, 1), as_of_date=date(2026, 4, 1)) == set()


def test_an_input_that_stood_unchanged_is_no_news():
    assert kinds(receipt_state="unchanged", receipt_message="read before") == set()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"input_hash": "b2"}, {"inputs", "registry"}),
        ({"receipt_state": "failed", "receipt_message": "no file"}, {"registry"}),
        ({"title": "Camps of reading"}, {"registry"}),
        ({"threshold": 10.0}, {"rules", "time"}),
        ({"state": "closed"}, {"registry"}),
        ({"as_of": date(2026, 4, 2)}, {"time"}),
        ({"as_of": date(2026, 4, 5)}, {"time"}),
    ],
)
def test_news_is_told_by_its_kind(changes, expected):
    assert kinds(**changes) == expected
