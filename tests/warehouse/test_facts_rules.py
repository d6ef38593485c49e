"""Facts say what each rule found everywhere it must say something, and never look at outcomes by arm."""

import pytest


def fact(warehouse, rule, site, wave="endline"):
    query = f"""select violations, denominator, measured, fact_state from facts.int_facts
        where rule = '{rule}' and site = '{site}' and wave = '{wave}'"""
    return warehouse.one(query)


@pytest.mark.parametrize(
    ("rule", "site", "expected"),
    [
        # Six complete records at alpha, two of one child; one of a stray, one without an id.
        ("one_interview_each", "alpha", (1, 6, pytest.approx(100 / 6), "measured")),
        ("known_units", "alpha", (2, 6, pytest.approx(200 / 6), "measured")),
        ("known_units", "beta", (0, 3, 0.0, "measured")),
        # The same record of the same child came through both sources: each site is told.
        ("one_claim", "alpha", (1, 6, pytest.approx(100 / 6), "measured")),
        ("one_claim", "beta", (1, 3, pytest.approx(100 / 3), "measured")),
        # Seven units in the lot and one by attendance; one of them listed twice.
        ("listed_once", "alpha", (1, 8, 12.5, "measured")),
        # Two of the seven were replaced; of the other five one was not measured.
        ("enough_units", "alpha", (1, 5, 80.0, "measured")),
        ("all_delivered", "alpha", (0, 1, 0.0, "measured")),
        ("arms_as_designed", "alpha", (None, 2, 1.0, "measured")),
        ("arms_as_designed", "beta", (None, 2, 1.0, "measured")),
        # Rules over answers.
        ("reads_answered", "alpha", (2, 6, pytest.approx(200 / 6), "measured")),
        ("age_in_range", "alpha", (1, 4, 25.0, "measured")),
        ("seen_readable", "alpha", (2, 3, pytest.approx(200 / 3), "measured")),
        ("sick_within_days__child_test__sick", "alpha", (1, 2, 50.0, "measured")),
        # The roster's answer counts with its parent's site and wave.
        ("note_allowed", "alpha", (2, 3, pytest.approx(200 / 3), "measured")),
    ],
)
def test_violations_are_counted_by_site_and_wave(warehouse, rule, site, expected):
    assert fact(warehouse, rule, site) == expected


def test_a_rule_that_no_data_can_answer_is_a_fact_of_its_own(warehouse):
    assert fact(warehouse, "height_in_range", "alpha") == (None, None, None, "not_evaluated")


def test_a_rule_concerns_the_indicators_that_use_its_item_or_all(warehouse):
    query = "select distinct rule, indicator from facts.int_facts where rule in ({}) order by 1, 2"
    rules = "'reads_answered', 'note_allowed', 'one_claim', 'sick_within_days__child_test__days'"
    assert warehouse.rows(query.format(rules)) == [
        ("note_allowed", "*"),
        ("one_claim", "*"),
        ("reads_answered", "reading"),
        ("sick_within_days__child_test__days", "sickness"),
    ]


def test_every_rule_speaks_of_every_expected_site_and_wave(warehouse):
    query = "select rule, count(*) from facts.int_facts group by rule"
    found = dict(warehouse.rows(query))
    assert found.pop("one_interview_each_at_endline") == 2
    assert set(found.values()) == {7}
    assert len(found) == 16


def test_a_planned_wave_is_judged_by_no_rule(warehouse):
    query = "select distinct fact_state, reason from facts.int_facts where wave = 'later'"
    assert warehouse.rows(query) == [("not_applicable", "the wave is planned")]


def test_amounts_of_data_are_judged_only_once_a_wave_is_closed(warehouse):
    for rule in ("enough_units", "all_delivered", "reads_answered"):
        assert fact(warehouse, rule, "alpha", "followup")[3] == "not_applicable"
    assert fact(warehouse, "one_interview_each", "alpha", "followup") == (0, 1, 0.0, "measured")


def test_freshness_is_measured_in_the_field_against_the_sources_own_limit(warehouse):
    query = """select measured, threshold, fact_state from facts.int_facts
        where rule = 'fresh_enough' and wave = '{}'"""
    assert sorted(warehouse.rows(query.format("followup"))) == [
        (30.0, 14.0, "measured"),
        (89.0, 3.0, "measured"),
    ]
    assert {state for _, _, state in warehouse.rows(query.format("endline"))} == {"not_applicable"}


def test_a_rule_does_not_judge_waves_that_closed_before_it(warehouse):
    assert fact(warehouse, "one_interview_each_from_2025", "alpha", "baseline")[3] == "not_applicable"
    assert fact(warehouse, "one_interview_each_from_2025", "alpha", "endline")[3] == "measured"


def test_nothing_to_judge_is_no_data_and_never_a_pass(warehouse):
    assert fact(warehouse, "age_in_range", "alpha", "followup") == (0, 0, None, "no_data")


def test_a_source_that_delivered_nothing_of_a_closed_wave_is_found(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.lake["redcap.main"] = []
    built = build_warehouse(programme)
    assert fact(built, "all_delivered", "beta") == (1, 1, 100.0, "measured")
    assert fact(built, "one_interview_each", "beta") == (0, 0, None, "no_data")
    assert fact(built, "all_delivered", "alpha") == (0, 1, 0.0, "measured")


def test_a_question_absent_from_one_source_leaves_its_sites_not_evaluated(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    for row in programme.lake["redcap.main"]:
        row.pop("age", None)
    built = build_warehouse(programme)
    assert fact(built, "age_in_range", "beta")[3] == "not_evaluated"
    assert fact(built, "age_in_range", "alpha")[3] == "measured"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"treated_share": None}, "no treated share is set for the site"),
        ({"design": "pre_post"}, "the design has no arms"),
    ],
)
def test_arms_are_not_checked_where_the_design_does_not_fix_them(
    tiny_programme, build_warehouse, change, reason
):
    programme = tiny_programme.copy()
    programme.row("sites", site="beta").update(change)
    query = "select fact_state, reason from facts.int_facts where rule = 'arms_as_designed' and site = 'beta'"
    found = set(build_warehouse(programme).rows(query))
    assert found == {("not_applicable", reason)}


def test_arms_that_contradict_the_design_have_a_small_probability(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    for number in range(20):
        place = {"unit_id": f"N{number}", "site_code": "beta"}
        programme.lake["lottery.main"].append(place | {"record_id": f"Z-N{number}", "arm": "treatment"})
        programme.lake["listing.main"].append(place | {"record_id": f"L-N{number}"})
    # 21 treated and 1 control unit under a fair lot: 2 x (1 + 22) / 2^22.
    assert fact(build_warehouse(programme), "arms_as_designed", "beta")[2] == pytest.approx(
        46 / 2**22, rel=1e-9
    )


def test_coverage_counts_what_became_of_every_cell(warehouse):
    query = """select answered_count, missing_code_count, blank_count, unreadable_count, unmapped_count
        from facts.int_coverage where source = 'kobo' and lake_table = 'main' and column_name = '{}'"""
    assert warehouse.one(query.format("g/reads | para read")) == (7, 1, 1, 1, 0)
    assert warehouse.one(query.format("unasked")) == (0, 0, 9, 0, 1)
    assert warehouse.one(query.format("_sw_site_code")) == (9, 0, 0, 0, 1)
    whole = """select distinct
            answered_count + missing_code_count + blank_count + unreadable_count + unmapped_count
        from facts.int_coverage where source = 'kobo' and lake_table = 'main'"""
    assert warehouse.rows(whole) == [(10,)]
