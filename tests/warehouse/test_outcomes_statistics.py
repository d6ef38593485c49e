"""Sums, ratios, thresholds, cut-offs, transforms and changes are exact steps too, or say why not."""

import math

import pytest


def add(programme, name, *items, **fields):
    """Adds an indicator of these items (term, item), with the registry's fields."""
    defaults = {
        "unit": "units",
        "resolution": "0.01",
        "indicator_order": len(programme.registry["indicators"]),
    }
    programme.registry["indicators"].append({"indicator": name} | defaults | fields)
    for term, item in items:
        programme.registry["indicator_terms"].append(
            {"indicator": name, "instrument": "child_test", "item": item, "term": term}
        )


AGE, SPEND = ("value", "age"), ("value", "spend")
SICK, DAYS = ("numerator", "sick"), ("denominator", "days")
YES = {"statistic": "share", "resolution": "100"}
CLOSED = {"is_low_included": True, "is_high_included": True}
OPEN = {"is_low_included": False, "is_high_included": False}


@pytest.fixture(scope="module")
def built(tiny_programme, build_once):
    """The tiny programme with an indicator for each of the statistics."""
    programme = tiny_programme.copy()
    add(programme, "spend_sum", SPEND, unit="USD/month", statistic="sum")
    add(programme, "sick_share", SICK, DAYS, statistic="ratio", multiplier=100.0)
    add(programme, "nine", AGE, threshold_low="9", **YES, **CLOSED)
    add(programme, "over_nine", AGE, threshold_low="9", **YES, **OPEN)
    add(programme, "under_nine", AGE, threshold_high="9", **YES, **OPEN)
    add(programme, "to_nine", AGE, threshold_high="9", **YES, **CLOSED)
    add(programme, "between", AGE, threshold_low="8.25", threshold_high="9", **YES, **CLOSED)
    add(programme, "cut", SPEND, unit="USD/month", statistic="amount", winsor_low="-1", winsor_high="0.9")
    add(programme, "top", SPEND, unit="USD/month", statistic="amount", winsor_high="1")
    add(
        programme,
        "log_spend",
        SPEND,
        unit="USD/month",
        statistic="amount",
        transform="log",
        resolution="0.0001",
    )
    add(
        programme,
        "asinh",
        SPEND,
        unit="USD/month",
        statistic="amount",
        transform="asinh",
        resolution="0.0001",
    )
    add(programme, "grown", AGE, unit="years", statistic="mean", is_change=True)
    add(programme, "log_grown", SPEND, unit="USD/month", statistic="amount", transform="log", is_change=True)
    for row in programme.registry["indicators"]:
        if row["indicator"] in ("spend_sum", "cut", "top", "log_spend", "asinh", "log_grown"):
            for term in programme.registry["indicator_terms"]:
                term |= {"to_unit": "USD/month"} if term["indicator"] == row["indicator"] else {}
    return build_once(programme, "+int_outcomes")


def outcome(warehouse, indicator, unit, wave="endline"):
    query = f"""select value_steps, exposure_steps, why_missing from outcomes.int_outcomes
        where indicator = '{indicator}' and unit_key = '{unit}' and wave = '{wave}'"""
    return warehouse.one(query)


@pytest.mark.parametrize(
    ("indicator", "unit", "expected"),
    [
        # 129.50 KES and 2.345 USD: a sum's values are a mean's
        ("spend_sum", "A1", (100, 1, None)),
        ("spend_sum", "B1", (235, 1, None)),
        # 3 of 28 days in percent: 300 over 28; none of 12 days
        ("sick_share", "A1", (30000, 28000000, None)),
        ("sick_share", "B1", (0, 12000000, None)),
        # ages 8.25 (A1), 9.75 (B1), 8 (STRAY is in no frame)
        ("nine", "A1", (0, 1, None)),
        ("nine", "B1", (1, 1, None)),
        ("between", "A1", (1, 1, None)),
        ("between", "B1", (0, 1, None)),
        # 0.99715 and 2.345 USD are cut to 0.90; -2.345 to -1
        ("cut", "A1", (90, 1, None)),
        ("cut", "B1", (90, 1, None)),
        ("cut", "A5", (-100, 1, None)),
        ("top", "A1", (100, 1, None)),
        ("top", "A5", (-235, 1, None)),
        ("log_spend", "A1", (round(math.log(0.99715) * 10000), 1, None)),
        ("log_spend", "A5", (None, None, "undefined_log")),
        ("asinh", "B1", (round(math.asinh(2.345) * 10000), 1, None)),
        ("asinh", "A5", (-round(math.asinh(2.345) * 10000), 1, None)),
        # 8.25 - 7 and 9.75 - 9 years; A5 has no baseline
        ("grown", "A1", (125, 1, None)),
        ("grown", "B1", (75, 1, None)),
        ("log_grown", "B1", (round(100 * math.log(2.345)) - round(100 * math.log(3)), 1, None)),
        ("log_grown", "A5", (None, None, "undefined_log")),
    ],
)
def test_values_are_exact_steps(built, indicator, unit, expected):
    assert outcome(built, indicator, unit) == expected


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [("nine", 1), ("over_nine", 0), ("under_nine", 0), ("to_nine", 1), ("between", 1)],
)
def test_who_stands_on_the_line_is_counted_as_the_line_says(built, indicator, expected):
    assert outcome(built, indicator, "B1", "baseline")[0] == expected  # nine years old


@pytest.mark.parametrize(
    ("indicator", "unit", "wave", "why"),
    [
        ("spend_sum", "A2", "endline", "missing_code"),
        ("sick_share", "A2", "endline", "no_exposure"),
        ("sick_share", "A4", "endline", "unreadable"),
        ("nine", "A5", "endline", "missing_code"),
        ("nine", "A4", "followup", "blank"),
        ("cut", "A2", "endline", "missing_code"),
        ("asinh", "A4", "endline", "unreadable"),
        ("grown", "A2", "endline", "no_baseline"),
        ("grown", "A1", "baseline", "no_baseline"),
        ("grown", "STRAY", "endline", "not_in_frame"),
        ("grown", "A7", "endline", "disposition"),
    ],
)
def test_a_missing_value_says_why(built, indicator, unit, wave, why):
    assert outcome(built, indicator, unit, wave) == (None, None, why)


def test_nothing_is_lost_between_a_value_and_a_reason(built):
    query = "select count(*) from outcomes.int_outcomes where (value_steps is null) = (why_missing is null)"
    assert built.one(query) == (0,)


def test_cut_offs_and_thresholds_know_of_no_arm(tiny_programme, built, build_warehouse):
    """Whoever was treated is swapped; not one value moves."""
    swapped = tiny_programme.copy()
    turn = {"treatment": "control", "control": "treatment"}
    for row in swapped.lake["lottery.main"]:
        row["arm"] = turn[row["arm"]]
    for row in ("cut", "nine", "top"):
        fields = {"cut": {"winsor_low": "-1", "winsor_high": "0.9"}, "top": {"winsor_high": "1"}}.get(row)
        if fields:
            add(swapped, row, SPEND, unit="USD/month", statistic="amount", **fields)
        else:
            add(swapped, row, AGE, threshold_low="9", **YES, **CLOSED)
    query = """select indicator, unit_key, wave, value_steps, why_missing from outcomes.int_outcomes
        where indicator in ('cut', 'nine', 'top') order by all"""
    assert build_warehouse(swapped, "+int_outcomes").rows(query) == built.rows(query)


ABSURD = {
    "A1": ("1000000000", (770000000, 1, None)),
    "A2": ("9" * 26, (None, None, "too_large")),
    "A3": ("-" + "9" * 26, (None, None, "too_large")),
    "A4": ("1e400", (None, None, "unreadable")),
    "B1": ("0." + "0" * 40 + "1", (0, 1, None)),
    "A5": ("Infinity", (None, None, "unreadable")),
}


@pytest.fixture(scope="module")
def absurd(tiny_programme, build_once):
    """The tiny programme with absurd amounts, each of which several indicators reckon with."""
    programme = tiny_programme.copy()
    for unit, (answer, _) in ABSURD.items():
        for name in ("kobo.main", "redcap.main"):
            for row in programme.lake[name]:
                if row.get("unit_id") == unit and row["wave"] == "endline":
                    row |= {'spend "total"': answer, "sick": answer, "days": "30", "disposition": "complete"}
    add(programme, "log_spend", SPEND, unit="USD/month", statistic="amount", transform="log")
    add(programme, "cut", SPEND, unit="USD/month", statistic="amount", winsor_high="5")
    add(programme, "sick_days", ("value", "sick"), statistic="mean")
    add(programme, "sick_share", SICK, DAYS, statistic="ratio", multiplier=100.0)
    add(programme, "sick_over", ("value", "sick"), threshold_low="9", **YES, **CLOSED)
    for name in ("sick_sum", "sick_mean"):
        terms = [("component", "sick"), ("component", "days")]
        add(programme, name, *terms, statistic=name.replace("sick", "scale"), min_answered=1)
    return build_once(programme, "+int_outcomes")


@pytest.mark.parametrize("unit", ABSURD)
def test_an_absurd_number_has_a_state_and_costs_only_itself(absurd, unit):
    assert outcome(absurd, "spending", unit) == ABSURD[unit][1]
    query = f"""select indicator, value_steps, why_missing from outcomes.int_outcomes
        where unit_key = '{unit}' and wave = 'endline' and (value_steps is null) = (why_missing is null)"""
    assert absurd.rows(query) == []


def test_a_scale_with_an_absurd_answer_has_no_sum(absurd):
    assert (
        outcome(absurd, "sick_sum", "A2") == outcome(absurd, "sick_mean", "A2") == (None, None, "too_large")
    )
    assert outcome(absurd, "sick_days", "A2") == (None, None, "too_large")
    assert outcome(absurd, "sick_over", "A2")[0] == 1


def test_weights_and_blocks_of_the_frame_stand_beside_every_value(built):
    query = """select distinct f.weight::double, f.block_id, o.value_steps from frame.int_frame as f
        inner join outcomes.int_outcomes as o using (unit_key)
        where f.round = 'randomised' and f.unit_key = 'A2' and o.indicator = 'nine' and o.wave = 'endline'"""
    assert built.rows(query) == [(1.5, "alpha:NORTH", 1)]
