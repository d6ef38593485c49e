"""Indicator values are exact steps of their resolution, or say why they are missing."""

import pytest


def outcome(warehouse, indicator, unit, wave="endline"):
    query = f"""select value_steps, exposure_steps, baseline_steps, why_missing from outcomes.int_outcomes
        where indicator = '{indicator}' and unit_key = '{unit}' and wave = '{wave}'"""
    return warehouse.one(query)


@pytest.mark.parametrize(
    ("indicator", "unit", "expected"),
    [
        # A share is 0 or 100 percent: no or one step of 100.
        ("reading", "A1", (1, 1, 0, None)),
        ("reading", "B1", (0, 1, 0, None)),
        # 129.50 KES x 0.0077 = 0.99715 USD; 2.345 and -2.345 USD: halves go away from zero.
        ("spending", "A1", (100, 1, 77, None)),
        ("spending", "B1", (235, 1, 300, None)),
        ("spending", "A5", (-235, 1, None, None)),
        # 8.25 and 9.75 years in steps of half a year.
        ("ages", "A1", (17, 1, 14, None)),
        ("ages", "B1", (20, 1, 18, None)),
        # 3 days of illness x 100, in steps of 0.01, over 28 days in millionths.
        ("sickness", "A1", (30000, 28000000, 10000, None)),
        # 5 + (6 - 1) + 2 points; q2 counts backwards.
        ("grit", "A1", (1200, 1, 700, None)),
        ("grit_mean", "A1", (400, 1, 233, None)),
    ],
)
def test_values_are_exact_steps(warehouse, indicator, unit, expected):
    assert outcome(warehouse, indicator, unit) == expected


@pytest.mark.parametrize(
    ("indicator", "unit", "why"),
    [
        ("reading", "A2", "missing_code"),
        ("reading", "A4", "unreadable"),
        ("reading", "A7", "disposition"),
        ("reading", "STRAY", "not_in_frame"),
        ("ages", "A5", "missing_code"),
        ("sickness", "A2", "no_exposure"),
        ("sickness", "A4", "unreadable"),
        ("grit", "A2", "too_few_answered"),
        ("grit_mean", "A4", "too_few_answered"),
    ],
)
def test_a_missing_value_says_why(warehouse, indicator, unit, why):
    steps, exposure, _, reason = outcome(warehouse, indicator, unit)
    assert (steps, exposure, reason) == (None, None, why)


def test_a_blank_answer_is_blank_and_no_other_kind_of_missing(warehouse):
    assert outcome(warehouse, "ages", "A4", "followup")[3] == "blank"


def test_every_unit_has_a_row_for_every_indicator_in_every_expected_wave(warehouse):
    query = "select count(*) from outcomes.int_outcomes where unit_key = 'A7'"
    assert warehouse.one(query) == (6 * 4,)
    only = "select count(*) from outcomes.int_outcomes where (value_steps is null) = (why_missing is null)"
    assert warehouse.one(only) == (0,)


def test_a_baseline_stands_beside_later_waves_only(warehouse):
    assert outcome(warehouse, "reading", "A1", "baseline")[2] is None
    assert outcome(warehouse, "reading", "A1", "followup") == (None, None, 0, "disposition")


def test_a_scale_is_prorated_over_the_items_answered(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    record = next(row for row in programme.lake["kobo.main"] if row["record_id"] == "k1a")
    del record["q3"]
    built = build_warehouse(programme, "+int_outcomes")
    assert outcome(built, "grit", "A1")[0] == 1500  # (5 + 5) x 3 / 2
    assert outcome(built, "grit_mean", "A1")[0] == 500


def test_an_amount_without_a_conversion_is_no_value(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.registry["conversions"] = []
    built = build_warehouse(programme, "+int_outcomes")
    assert outcome(built, "spending", "A1")[3] == "no_conversion"
    assert outcome(built, "spending", "B1")[:2] == (235, 1)


def test_the_latest_dated_conversion_holds(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    older = programme.registry["conversions"][0]
    programme.registry["conversions"].append(
        older | {"factor": "2", "dated": older["dated"].replace(year=2026)}
    )
    assert outcome(build_warehouse(programme, "+int_outcomes"), "spending", "A1")[0] == 25900


def test_an_unbelievable_number_costs_its_own_value_only(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    record = next(row for row in programme.lake["kobo.main"] if row["record_id"] == "k1a")
    record['spend "total"'] = "9" * 25
    built = build_warehouse(programme, "+int_outcomes")
    assert outcome(built, "spending", "A1")[3] == "too_large"
    assert outcome(built, "reading", "A1")[0] == 1


def test_a_source_that_never_asks_an_item_says_so(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    for row in programme.lake["redcap.main"]:
        row.pop("age", None)
    assert outcome(build_warehouse(programme, "+int_outcomes"), "ages", "B1")[3] == "not_asked"


def test_a_resolution_without_exact_steps_is_refused_by_name(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.row("indicators", indicator="ages")["resolution"] = "0.3"
    with pytest.raises(AssertionError, match=r"indicators/ages\.yml resolution"):
        build_warehouse(programme, "+int_outcomes")
