"""The gate on the candidate: sound tables pass, and each thing that cannot be right stops the release."""

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from expectations.candidate import CHECKS, REQUIRED, judge_candidate, tables_of_nothing

EFFECT = {
    "analysis": "main",
    "indicator": "reads",
    "site": "siaya",
    "estimate": 5.0,
    "estimate_se": 2.0,
    "df": float("inf"),
    "estimate_low": 1.0,
    "estimate_high": 9.0,
    "p_value": 0.01,
    "mean_treatment": 55.0,
    "n_treatment": 120,
    "comparability_class": "A",
    "quality_verdict": "pass",
    "is_suppressed": False,
    "why_missing": None,
}
TEXTS = {"why_missing", "change_verdict", "retention_set"}
ROWS = {
    "headline": [
        {"indicator": "reads", "effect": 5.0, "effect_low": 1.0, "effect_high": 9.0, "verdict": "held"}
        | {"change_verdict": None, "verdict_words": "kept", "why_missing": None, "is_suppressed": False}
    ],
    "sites": [{"site": "siaya", "rural_pct": 71.0, "from_date": datetime.date(2024, 1, 1)}],
    "waves": [{"wave": "endline", "is_baseline": False}],
    "indicators": [{"indicator": "reads", "statistic": "share", "resolution": Decimal("0.01")}],
    "indicator_values": [
        {"indicator": "reads", "site": "siaya", "value": 100.0, "value_se": None, "n": 0}
        | {"is_suppressed": False, "why_missing": "no standard error: one person"}
    ],
    "site_effects": [
        EFFECT,
        EFFECT
        | {"site": "kisumu", "estimate": None, "estimate_se": None, "estimate_low": None}
        | {"estimate_high": None, "p_value": None, "n_treatment": None, "is_suppressed": True}
        | {"why_missing": "suppressed"},
    ],
    "pooled_effects": [EFFECT | {"i2_q_pct": 12.0, "tau2": 0.0}],
    "effect_retention": [
        {"indicator": "reads", "retention": None, "retention_low": None, "retention_high": None}
        | {
            "retention_set": "not_estimable",
            "verdict": "inconclusive",
            "verdict_words": "not enough evidence",
        }
        | {"p_claim": 0.2, "why_missing": "the pilot is too uncertain"}
    ],
    "coverage": [{"source": "kobo", "column_name": "reads", "answered_count": 10}],
    "quality_verdicts": [
        {"rule": "r", "site": "siaya", "verdict": "pass", "violation_count": 0, "is_suppressed": False}
    ],
    "provenance": [{"source": "kobo", "state": "current", "state_reason": None}],
}
KEYS = {
    "headline": ["indicator"],
    "sites": ["site"],
    "waves": ["wave"],
    "indicators": ["indicator"],
    "indicator_values": ["indicator", "site"],
    "site_effects": ["analysis", "indicator", "site"],
    "pooled_effects": ["analysis", "indicator"],
    "effect_retention": ["indicator"],
    "coverage": ["source", "column_name"],
    "quality_verdicts": ["rule", "site"],
    "provenance": ["source"],
    "data_dictionary": ["table_name", "column_name"],
}


def table(rows: list[dict]) -> pa.Table:
    made = pa.Table.from_pylist(rows)
    texts = [
        pa.field(one.name, pa.string()) if pa.types.is_null(one.type) and one.name in TEXTS else one
        for one in made.schema
    ]
    nulls = [pa.field(one.name, pa.float64()) if pa.types.is_null(one.type) else one for one in texts]
    return made.cast(pa.schema(nulls))


def candidate(**changes: list[dict]) -> dict[str, pa.Table]:
    tables = {name: table(rows) for name, rows in (ROWS | changes).items()}
    own = ("table_name", "column_name", "description")
    described = [(name, column) for name, one in tables.items() for column in one.column_names]
    described += [("data_dictionary", column) for column in own]
    rows = [dict(zip(own, (*pair, "what it is"), strict=True)) for pair in described]
    return tables | {"data_dictionary": pa.Table.from_pylist(rows)}


def troubles(tables: dict[str, pa.Table], **options) -> set[tuple[str, str, str, str]]:
    verdict = judge_candidate(tables, KEYS, **options)
    rows = [row for row in verdict.checks.to_pylist() if row["state"] != "pass"]
    assert verdict.is_passing == (not any(row["state"] in ("fail", "error") for row in rows))
    return {(row["table"], row["check"], row["column"], row["state"]) for row in rows}


def first(name: str, **change) -> dict[str, list[dict]]:
    return {name: [ROWS[name][0] | change, *ROWS[name][1:]]}


def test_a_sound_candidate_passes_every_check():
    verdict = judge_candidate(candidate(), KEYS)
    assert verdict.is_passing
    assert verdict.checks.schema == CHECKS
    assert set(verdict.checks.column("state").to_pylist()) == {"pass"}
    assert set(verdict.checks.column("table").to_pylist()) == set(REQUIRED)


def test_nothing_is_no_candidate():
    verdict = judge_candidate({}, {})
    assert not verdict.is_passing
    assert verdict.checks.num_rows == len(REQUIRED)


BREAKS = [
    ("site_effects", {"estimate_se": -1.0}, "is_not_negative", "estimate_se"),
    ("site_effects", {"estimate_low": 6.0}, "number_lies_in_interval", "estimate_low <= estimate"),
    ("site_effects", {"estimate_high": 4.0}, "number_lies_in_interval", "estimate <= estimate_high"),
    ("site_effects", {"estimate_high": None}, "interval_is_ordered", "estimate_low <= estimate_high"),
    ("site_effects", {"p_value": 1.5}, "is_probability", "p_value"),
    ("site_effects", {"estimate": float("nan")}, "is_finite", "estimate"),
    ("site_effects", {"estimate_high": float("inf")}, "is_finite", "estimate_high"),
    ("site_effects", {"mean_treatment": 101.0}, "share_is_percentage", "mean_treatment"),
    ("site_effects", {"n_treatment": 4}, "small_count_is_hidden", "n_treatment"),
    ("site_effects", {"n_treatment": -5}, "is_not_negative", "n_treatment"),
    ("site_effects", {"analysis": None}, "key_is_given", "analysis"),
    ("site_effects", {"site": "siaya"}, "key_is_unique", "analysis, indicator, site"),
    ("site_effects", {"estimate": None}, "missing_is_explained", "estimate"),
    ("site_effects", {"quality_verdict": "fine"}, "is_known_word", "quality_verdict"),
    ("site_effects", {"comparability_class": "D"}, "is_known_word", "comparability_class"),
    ("pooled_effects", {"comparability_class": "C"}, "incomparable_is_not_pooled", "estimate"),
    ("sites", {"rural_pct": 171.0}, "is_percentage", "rural_pct"),
    ("sites", {"site": "siaya"}, "key_is_unique", "site"),
    ("headline", {"verdict": "worked"}, "is_known_word", "verdict"),
    ("headline", {"effect": None, "verdict_words": None}, "missing_is_explained", "effect"),
    ("quality_verdicts", {"verdict": None}, "verdict_is_given", "verdict"),
    ("quality_verdicts", {"violation_count": 3}, "small_count_is_hidden", "violation_count"),
    ("effect_retention", {"retention_set": "wide"}, "is_known_word", "retention_set"),
]


def test_each_thing_that_cannot_be_right_is_found_among_sound_rows():
    changes = {name: list(rows) for name, rows in ROWS.items()}
    for place, (name, change, *_) in enumerate(BREAKS):
        unique = {KEYS[name][-1]: f"place_{place}"}
        changes[name].append(ROWS[name][0] | unique | change)
    expected = {(name, check, column, "fail") for name, _, check, column in BREAKS}
    assert troubles(candidate(**changes)) == expected


def test_a_number_without_its_error_and_without_a_reason_is_a_warning_only():
    found = troubles(candidate(**first("site_effects", estimate_se=None)))
    assert found == {("site_effects", "missing_error_is_explained", "estimate_se", "warn")}


def test_a_missing_or_empty_table_stops_the_release():
    tables = candidate()
    del tables["provenance"]
    tables["waves"] = tables["waves"].slice(0, 0)
    assert {("provenance", "is_there", "", "fail"), ("waves", "has_rows", "", "fail")} <= troubles(tables)


@pytest.mark.parametrize(
    ("roles", "bases", "expected"),
    [
        (["estimates"], ["estimates"], {"coverage", "indicator_values"}),
        (["estimates", "moments"], ["estimates", "moments"], {"coverage"}),
        (["moments"], ["moments"], {"coverage"}),
        (["estimates", "listing"], ["estimates"], {"indicator_values"}),
        (["survey"], ["rows"], set()),
        (["estimates", "survey"], ["estimates", "rows"], set()),
        (["estimates", "a role of tomorrow"], ["estimates", "a basis of tomorrow"], set()),
        ([], [], set()),
    ],
)
def test_a_programme_has_nothing_for_a_table_only_by_its_own_definition(roles, bases, expected):
    assert tables_of_nothing(roles, bases) == expected


def test_a_table_the_programme_has_nothing_for_may_be_empty_and_no_other():
    tables = candidate()
    for name in ("coverage", "indicator_values", "site_effects"):
        tables[name] = tables[name].slice(0, 0)
    nothing = tables_of_nothing(["estimates"], ["estimates"])
    assert troubles(tables, may_be_empty=nothing) == {("site_effects", "has_rows", "", "fail")}
    emptied = {(name, "has_rows", "", "fail") for name in ("coverage", "indicator_values", "site_effects")}
    assert troubles(tables) == emptied


def test_a_table_that_may_be_empty_must_still_be_there():
    tables = candidate()
    del tables["coverage"]
    assert ("coverage", "is_there", "", "fail") in troubles(tables, may_be_empty={"coverage"})


def test_the_dictionary_describes_every_column_and_nothing_else():
    tables = candidate()
    tables["waves"] = tables["waves"].append_column("secret", pa.array([1]))
    tables["sites"] = tables["sites"].drop_columns(["rural_pct"])
    found = troubles(tables)
    assert ("data_dictionary", "covers_every_column", "", "fail") in found
    assert ("data_dictionary", "describes_nothing_else", "", "fail") in found


def test_a_key_that_is_unknown_or_unstated_stops_the_release():
    verdict = judge_candidate(candidate(), KEYS | {"sites": ["nobody"], "waves": []})
    errors = {(row["table"], row["state"]) for row in verdict.checks.to_pylist() if row["check"] == "has_key"}
    assert errors == {("sites", "error"), ("waves", "error")}
    assert not verdict.is_passing


def test_a_public_programme_shows_its_small_counts():
    assert troubles(candidate(**first("site_effects", n_treatment=4)), min_cell=0) == set()


def test_a_judgement_that_breaks_is_an_error_and_stops_the_release(monkeypatch):
    import great_expectations.expectations.core as core

    real = core.ExpectColumnPairValuesAToBeGreaterThanB

    def misspelt(**options):
        of_words = options["meta"]["id"].startswith("one_of")
        return real(**options | ({"column_A": "no_such_column"} if of_words else {}))

    monkeypatch.setattr(core, "ExpectColumnPairValuesAToBeGreaterThanB", misspelt)
    verdict = judge_candidate(candidate(), KEYS)
    states = {(row["check"], row["state"]) for row in verdict.checks.to_pylist()}
    assert {("is_known_word", "error"), ("key_is_given", "pass")} <= states
    assert not verdict.is_passing


def test_a_check_that_cannot_be_counted_is_an_error_and_stops_the_release():
    tables = candidate()
    tables["sites"] = tables["sites"].set_column(0, "site", pa.array([["siaya"]]))
    assert troubles(tables) == {("sites", "key_is_unique", "site", "error")}


def test_checks_tell_counts_and_never_values():
    tables = candidate(**first("headline", verdict="Wanjiku 0712"))
    assert "Wanjiku" not in str(judge_candidate(tables, KEYS).checks.to_pylist())
