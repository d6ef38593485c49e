"""Every cell of the lake is read by one rule: text, state, type; nothing is lost on the way."""

import pytest


def cell(warehouse, record, item):
    query = f"""select value_text, state, value_decimal from outcomes.int_responses
        where record_id = '{record}' and item = '{item}' and source = 'kobo' and lake_table = 'main'"""
    text, state, number = warehouse.one(query)
    return text, state, None if number is None else float(number)


def test_a_renamed_question_feeds_the_same_item(warehouse):
    assert cell(warehouse, "k1a", "reads") == ("yes", "answered", 1.0)
    assert cell(warehouse, "k1b", "reads") == ("0", "answered", 0.0)


@pytest.mark.parametrize(
    ("record", "item", "expected"),
    [
        ("k1b", "days", (None, "blank", None)),
        ("k2", "reads", ("-99", "missing_code", None)),
        ("k2", "spend", ("-99.0", "missing_code", None)),
        ("k3", "reads", ("perhaps", "unreadable", None)),
        ("k3", "spend", ("1_000", "unreadable", None)),
        ("k3", "age", ("7,5", "unreadable", None)),
        ("k3", "sick", ("1.5", "unreadable", None)),
        ("k2", "seen", ("02/03/2025", "unreadable", None)),
        ("k3", "seen", ("2025-02-30", "unreadable", None)),
        ("k1a", "spend", ("129.50", "answered", 129.5)),
        ("k1a", "q1", ("5", "answered", 5.0)),
        ("k1a", "note", ("fine", "answered", None)),
    ],
)
def test_a_cell_is_answered_missing_blank_or_unreadable(warehouse, record, item, expected):
    assert cell(warehouse, record, item) == expected


def test_a_missing_code_spelled_null_is_a_code_and_not_a_blank(warehouse):
    query = "select state from outcomes.int_responses where record_id = 'r3' and item = 'age'"
    assert warehouse.one(query) == ("missing_code",)


def test_blank_cells_and_repeats_stay_in_the_long_cells(warehouse):
    asked = warehouse.one(
        "select count(*) from staging.stg_cells where source = 'kobo' and lake_table = 'main'"
    )
    assert asked == (10 * 10,)
    roster = "select value_text from staging.stg_cells where lake_table = 'roster' order by record_id"
    assert warehouse.rows(roster) == [("bad",), (None,)]


def test_site_codes_are_translated_whatever_their_spacing_and_case(warehouse):
    query = "select distinct site from staging.stg_records where record_id in ('L-A1', 'L-A6')"
    assert warehouse.rows(query) == [("alpha",)]


def test_a_record_of_an_unknown_site_is_kept_without_a_site(warehouse):
    assert warehouse.one("select site, site_code from staging.stg_records where record_id = 'k8'") == (
        None,
        "NOWHERE",
    )


def test_a_blank_site_code_is_the_only_site_of_its_source(warehouse):
    assert warehouse.one("select site from staging.stg_records where record_id = 'r2'") == ("beta",)


def test_columns_and_homes_that_need_quoting_are_read(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.questions["note"] = ['what\'s "this"; drop table x --']
    for row in programme.lake["kobo.main"]:
        row[programme.questions["note"][0]] = row.pop("note", None)
    programme.registry["missing_codes"].append(
        {"instrument": "child_test", "code": "it's fine", "meaning": "none"}
    )
    programme.lake["kobo.main"][0][programme.questions["note"][0]] = "it's fine"
    built = build_warehouse(programme, "+int_responses")
    states = built.rows(
        "select value_text, state from outcomes.int_responses where record_id = 'k0' and item = 'note'"
    )
    assert states == [("it's fine", "missing_code")]
