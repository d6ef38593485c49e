"""The frame says who was to be measured, where and in which arm; surveys never change it."""

import pytest

UNIT = "select {} from frame.int_frame where round = 'randomised' and unit_key = '{}'"


def test_listing_and_assignment_complete_each_other(warehouse):
    columns = "site, arm, cluster_id, block_id, weight, frame"
    site, arm, cluster, block, weight, frame = warehouse.one(UNIT.format(columns, "A2"))
    assert (site, arm, cluster, block, frame) == (
        "alpha",
        "treatment",
        "alpha:V1",
        "alpha:NORTH",
        "registered",
    )
    assert float(weight) == 1.5


def test_a_frame_may_have_neither_clusters_nor_blocks(warehouse):
    assert warehouse.one(UNIT.format("arm, cluster_id, block_id", "B2")) == ("control", None, None)


def test_a_unit_listed_twice_is_kept_once_by_a_fixed_order(warehouse):
    assert warehouse.one(UNIT.format("count(*)", "A1")) == (1,)
    level = "select level from frame.int_subgroups where round = 'randomised' and unit_key = 'A1'"
    assert warehouse.one(level) == ("male",)


def test_a_replacement_stands_where_the_replaced_unit_stood_along_a_chain(warehouse):
    columns = "arm, cluster_id, block_id, is_replacement, is_replaced"
    assert warehouse.one(UNIT.format(columns, "A3")) == ("control", "alpha:V2", "alpha:NORTH", False, True)
    assert warehouse.one(UNIT.format(columns, "A6")) == ("control", "alpha:V2", "alpha:NORTH", True, True)
    assert warehouse.one(UNIT.format(columns, "A7")) == ("control", "alpha:V2", "alpha:NORTH", True, False)


def test_units_that_replace_each_other_do_not_hang_the_night(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    for row in programme.lake["listing.main"]:
        if row["unit_id"] in ("A6", "A7"):
            row["replaces_unit_id"] = {"A6": "A7", "A7": "A6"}[row["unit_id"]]
    built = build_warehouse(programme, "+int_frame")
    assert built.one(UNIT.format("arm, is_replaced", "A6")) == (None, True)


def test_a_weight_that_is_no_positive_number_is_no_weight(warehouse):
    assert warehouse.one(UNIT.format("weight", "B1")) == (None,)
    assert float(warehouse.one(UNIT.format("weight", "B2"))[0]) == 1.0


@pytest.mark.parametrize(("told", "weight"), [("9999999.999999", 9999999.999999), ("10000000", None)])
def test_nobody_stands_for_more_than_ten_million(tiny_programme, build_warehouse, told, weight):
    programme = tiny_programme.copy()
    next(row for row in programme.lake["listing.main"] if row["record_id"] == "L-B1")["weight"] = told
    built = build_warehouse(programme, "+int_frame")
    assert built.one(UNIT.format("weight::double", "B1")) == (weight,)


def test_a_round_by_wave_stands_beside_the_randomised_one(warehouse):
    query = """select unit_key, wave, arm, site, is_randomised from frame.int_frame
        where round = 'attended' order by 1"""
    assert warehouse.rows(query) == [
        ("A1", "endline", "control", "alpha", False),
        ("A2", "endline", "treatment", "beta", False),
    ]
    assert warehouse.one(UNIT.format("arm, wave", "A1")) == ("treatment", None)


def test_a_unit_of_an_unknown_site_is_not_in_the_frame(warehouse):
    assert warehouse.rows(UNIT.format("1", "X1")) == []


def test_of_several_submissions_the_latest_counts_and_all_are_counted(warehouse):
    query = """select record_id, submissions_count from frame.int_measurements
        where unit_key = 'A1' and wave = 'endline'"""
    assert warehouse.one(query) == ("k1a", 2)


def test_a_child_found_elsewhere_is_marked_and_its_frame_row_holds(warehouse):
    query = "select site_found, is_in_frame, is_moved_site from frame.int_measurements where unit_key = 'A5'"
    assert warehouse.one(query) == ("beta", True, True)
    assert warehouse.one(UNIT.format("site, arm, cluster_id", "A5")) == ("alpha", "control", "alpha:V2")


def test_a_unit_that_nobody_listed_is_marked(warehouse):
    query = "select is_in_frame, is_moved_site from frame.int_measurements where unit_key = 'STRAY'"
    assert warehouse.one(query) == (False, False)


def test_every_unit_has_a_disposition_in_every_wave_of_its_site(warehouse):
    query = "select unit_key, wave, disposition from frame.int_dispositions where site = 'alpha'"
    found = {(unit, wave): disposition for unit, wave, disposition in warehouse.rows(query)}
    assert len(found) == 7 * 4
    assert found["A1", "endline"] == "complete"
    assert found["A3", "endline"] == "refused"  # as the form says
    assert found["A5", "endline"] == "complete"  # a record goes before what tracking says
    assert found["A7", "endline"] == "unaccounted"
    assert found["A7", "followup"] == "not_yet"
    assert found["A1", "followup"] == "other"  # a word that the programme does not know


def test_the_latest_word_of_tracking_is_the_disposition(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.lake["redcap.main"] = [row for row in programme.lake["redcap.main"] if row["unit_id"] != "A5"]
    built = build_warehouse(programme, "+int_dispositions")
    query = "select disposition from frame.int_dispositions where unit_key = 'A5' and wave = 'endline'"
    assert built.one(query) == ("dead",)


def test_ids_unique_only_per_site_never_match_across_sites(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.row("programme")["unit_scope"] = "site"
    built = build_warehouse(programme, "+int_measurements")
    query = "select unit_key, is_in_frame from frame.int_measurements where record_id = 'r3'"
    assert built.one(query) == ("beta:A5", False)
    replaced = "select replaces_unit_key, arm from frame.int_frame where unit_key = 'alpha:A6'"
    assert built.one(replaced) == ("alpha:A3", "control")


def test_a_form_split_over_two_instruments_gives_a_measurement_for_each(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.row("sources", source="redcap")["instrument"] = "home_visit"
    built = build_warehouse(programme, "+int_measurements")
    query = """select instrument, record_id, submissions_count from frame.int_measurements
        where unit_key = 'A2' and wave = 'endline' order by 1"""
    assert built.rows(query) == [("child_test", "k2", 1), ("home_visit", "k2", 1)]
