"""The gate on facts: broken rules are found, what was not judged never passes, nothing private leaks."""

import random
import time

import pyarrow as pa
import pytest

from expectations import suites
from expectations.judge import JUDGEMENTS, judge_facts

CANARY = "Wanjiku 0712 345 678"
FACT = {
    "rule": "one_interview",
    "rule_type": "key_unique",
    "dimension": "uniqueness",
    "severity": "critical",
    "scope": "wave",
    "site": "siaya",
    "wave": "endline",
    "indicator": "*",
    "violations": 1,
    "denominator": 200,
    "measured": 0.5,
    "comparison": "at_most",
    "threshold": 1.0,
    "fact_state": "measured",
    "reason": None,
}
TYPES = {
    "violations": pa.int64(),
    "denominator": pa.int64(),
    "measured": pa.float64(),
    "threshold": pa.float64(),
}
SCHEMA = pa.schema([(name, TYPES.get(name, pa.string())) for name in FACT])
CELL = {"site": "siaya", "wave": "endline", "indicator": "reads_pct", "wave_state": "closed"}
CELLS = pa.Table.from_pylist([CELL])


def facts(*changes: dict) -> pa.Table:
    return pa.Table.from_pylist([FACT | change for change in changes], schema=SCHEMA)


def judged(*changes: dict) -> list[tuple[str, str]]:
    rows = judge_facts(facts(*changes), CELLS)["judgements"].to_pylist()
    return [(row["state"], row["reason"]) for row in rows]


def test_a_broken_rule_is_found_and_told_in_words():
    over = {"rule": "a", "violations": 44, "denominator": 310, "measured": 14.2}
    under = {
        "rule": "b",
        "rule_type": "volume_against_frame",
        "comparison": "at_least",
        "threshold": 50.0,
        "measured": 49.0,
    }
    chance = {
        "rule": "c",
        "rule_type": "arm_shares",
        "comparison": "at_least",
        "threshold": 0.001,
        "measured": 0.0004,
    }
    stale = {
        "rule": "d",
        "rule_type": "freshness",
        "severity": "warning",
        "threshold": 14.0,
        "measured": 21.0,
    }
    assert judged({}, over, under, chance, stale) == [
        ("fail", "14.2% of 310 against at most 1%"),
        ("fail", "49% of 200 against at least 50%"),
        ("fail", "p = 0.0004 against at least 0.001"),
        ("warn", "21 days against at most 14 days"),
        ("pass", "0.5% of 200 against at most 1%"),
    ]


def test_a_limit_is_kept_when_it_is_met_exactly():
    least = {
        "rule": "b",
        "rule_type": "volume_against_frame",
        "comparison": "at_least",
        "threshold": 50.0,
        "measured": 50.0,
    }
    assert [state for state, _ in judged({"measured": 1.0}, least)] == ["pass", "pass"]


def test_the_words_never_round_a_failure_into_its_limit():
    ((state, reason),) = judged({"measured": 1.0000004})
    assert state == "fail"
    assert reason == "1.0000004% of 200 against at most 1%"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"fact_state": "not_evaluated"}, "error"),
        ({"fact_state": "not_evaluated", "severity": "warning"}, "error"),
        ({"fact_state": "no_data"}, "fail"),
        ({"fact_state": "not_applicable", "measured": None}, "not_applicable"),
        ({"fact_state": "anything else"}, "error"),
        ({"fact_state": None}, "error"),
        ({"measured": None}, "error"),
        ({"measured": float("nan")}, "error"),
        ({"measured": float("inf")}, "error"),
        ({"threshold": None}, "error"),
        ({"denominator": 0}, "error"),
        ({"comparison": "about"}, "error"),
        ({"severity": "info"}, "error"),
        ({"site": None}, "error"),
    ],
)
def test_what_was_not_measured_never_passes(change, state):
    assert [found for found, _ in judged(change)] == [state]


def test_a_column_without_any_number_withholds_every_cell():
    tables = judge_facts(facts({"measured": None}, {"measured": None, "rule": "other"}), CELLS)
    assert set(tables["judgements"].column("state").to_pylist()) == {"error"}
    assert tables["admission"].column("is_admitted").to_pylist() == [False]


def test_facts_that_share_a_key_are_one_error():
    assert [state for state, _ in judged({}, {"measured": 0.0})] == ["error"]


def test_no_facts_at_all_admit_nothing():
    tables = judge_facts(facts(), CELLS)
    assert tables["judgements"].num_rows == 0
    assert tables["admission"].to_pylist()[0]["verdict"] == "error"


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="threshold"):
        judge_facts(facts({}).drop_columns(["threshold"]), CELLS)


def test_an_expectation_that_raises_makes_its_own_rows_errors(monkeypatch):
    import great_expectations.expectations.core as core

    real = core.ExpectColumnPairValuesAToBeGreaterThanB

    def misspelt(**options):
        if options["meta"]["id"].startswith("in_frame/"):
            options["column_B"] = "no_such_column"
        return real(**options)

    monkeypatch.setattr(core, "ExpectColumnPairValuesAToBeGreaterThanB", misspelt)
    states = dict(zip(("a", "b"), judged({"rule": "a"}, {"rule": "b", "rule_type": "in_frame"}), strict=True))
    assert states["a"][0] == "pass"
    assert states["b"][0] == "error"
    assert "broke off" in states["b"][1]


def test_a_judge_that_stops_altogether_withholds(monkeypatch):
    import great_expectations.core.batch_definition as batches

    def stop(*_args, **_options):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(batches.BatchDefinition, "get_batch", stop)
    tables = judge_facts(facts({}), CELLS)
    (row,) = tables["judgements"].to_pylist()
    assert row["state"] == "error"
    assert CANARY not in row["reason"]
    assert tables["admission"].column("is_admitted").to_pylist() == [False]


@pytest.mark.parametrize(
    "lie", ["nothing_fails", "everything_fails", "fewer_rows", "wrong_keys", "no_result"]
)
def test_a_judge_that_errs_is_not_believed(monkeypatch, lie):
    real = suites._finding

    def lying(result, key_columns):
        found = real(result, key_columns)
        every = (("a", "siaya", "endline", "*"), ("b", "siaya", "endline", "*"))
        return {
            "nothing_fails": suites.Finding(found.id, True, 2, 0),
            "everything_fails": suites.Finding(found.id, False, 2, 2, every),
            "fewer_rows": suites.Finding(found.id, False, 1, 1, found.unexpected_keys),
            "wrong_keys": suites.Finding(found.id, False, 2, 1, (("z", "siaya", "endline", "*"),)),
            "no_result": suites.Finding("another", True, 2, 0),
        }[lie]

    monkeypatch.setattr(suites, "_finding", lying)
    states = [state for state, _ in judged({"rule": "a"}, {"rule": "b", "measured": 9.0})]
    assert "error" in states
    assert states.count("pass") <= 1
    assert states[1] != "pass", "the broken rule must not pass"


def test_judgements_are_typed_sorted_and_blind_to_the_order_of_facts():
    changes = [{"rule": f"r{place % 7}", "site": f"s{place}", "measured": place / 10} for place in range(40)]
    first = judge_facts(facts(*changes), CELLS)
    random.Random(3).shuffle(changes)
    second = judge_facts(facts(*changes), CELLS)
    assert first["judgements"].schema == JUDGEMENTS
    assert first["judgements"].equals(second["judgements"])
    assert first["admission"].equals(second["admission"])


def test_no_answer_reaches_a_judgement(caplog):
    table = facts({}, {"rule": "b", "measured": 7.0}, {"rule": "c", "measured": None})
    table = table.append_column("example", pa.array([CANARY] * 3))
    with caplog.at_level("DEBUG"):
        tables = judge_facts(table, CELLS)
    assert CANARY not in str([one.to_pylist() for one in tables.values()])
    assert CANARY not in caplog.text


def test_ten_thousand_facts_are_judged_in_seconds():
    kinds = ["key_unique", "in_frame", "range", "required_answered", "readable"]
    rows = [
        FACT
        | {
            "rule": f"r{place % 50}",
            "rule_type": kinds[place % 5],
            "site": f"s{place // 50}",
            "measured": place % 3 / 2.1,
        }
        for place in range(10_000)
    ]
    cells = [
        CELL | {"site": f"s{place}", "indicator": f"i{kind}"} for place in range(200) for kind in range(5)
    ]
    started = time.monotonic()
    tables = judge_facts(pa.Table.from_pylist(rows, schema=SCHEMA), pa.Table.from_pylist(cells))
    assert time.monotonic() - started < 30, "an order of magnitude above what was measured"
    assert tables["judgements"].num_rows == 10_000
    assert tables["admission"].num_rows == 1_000
