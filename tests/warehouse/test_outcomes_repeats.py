"""Indicators over a repeat: rows are counted and summed for each record; what is not known is no zero."""

import copy

import pytest

PLOTS = [
    ("k1a", "1", "2.50"),
    ("k1a", "2", "0.25"),
    ("k1a", "3", None),
    ("k2", "1", "-99"),
    ("k2", "2", "4"),
    ("k4", "1", "7"),
]


@pytest.fixture(scope="session")
def farms(tiny_programme):
    """The tiny programme with a repeat of plots, and a nested one of harvests, at one of its two sources."""
    programme = copy.deepcopy(tiny_programme)
    for item in ("area", "kilos"):
        programme.registry["items"].append({"instrument": "child_test", "item": item, "item_type": "number"})
    place = len(programme.registry["indicators"])
    for name, item, over, unit in (
        ("plots", "area", "count", "plots"),
        ("land", "area", "sum", "hectares"),
        ("harvest", "kilos", "sum", "kg"),
    ):
        place += 1
        indicator = {"indicator": name, "unit": unit, "statistic": "mean", "resolution": "0.01"}
        programme.registry["indicators"].append(indicator | {"over_repeat": over, "indicator_order": place})
        term = {"indicator": name, "instrument": "child_test", "item": item, "term": "value"}
        programme.registry["indicator_terms"].append(term)
    programme.lake["kobo.plot"] = [
        {"record_id": f"{parent}/plot[{n}]", "parent_record_id": parent, "area": area}
        for parent, n, area in PLOTS
    ]
    programme.lake["kobo.harvest"] = [
        {"record_id": f"k1a/plot[{n}]/harvest[1]", "parent_record_id": f"k1a/plot[{n}]", "kilos": kilos}
        for n, kilos in (("1", "10"), ("2", "32.5"))
    ]
    return programme


@pytest.fixture(scope="session")
def harvested(farms, build_once):
    return build_once(farms, "+int_outcomes")


def value(warehouse, indicator, unit):
    query = f"""select value_steps, why_missing from outcomes.int_outcomes
        where indicator = '{indicator}' and unit_key = '{unit}' and wave = 'endline'"""
    return warehouse.one(query)


def test_answered_rows_are_counted_and_blank_ones_are_none(harvested):
    assert value(harvested, "plots", "A1") == (200, None)


def test_a_sum_with_a_part_missing_is_no_sum(harvested):
    assert value(harvested, "land", "A1") == (None, "blank")
    assert value(harvested, "land", "A2") == (None, "missing_code")
    assert value(harvested, "plots", "A2") == (None, "missing_code")


def test_a_record_without_rows_counts_none(harvested):
    assert value(harvested, "plots", "A4") == (0, None)
    assert value(harvested, "land", "A4") == (0, None)


def test_rows_of_a_nested_repeat_reach_their_record(harvested):
    assert value(harvested, "harvest", "A1") == (4250, None)


def test_a_source_without_the_repeat_did_not_ask_for_it(harvested):
    assert value(harvested, "plots", "B1") == (None, "not_asked")
