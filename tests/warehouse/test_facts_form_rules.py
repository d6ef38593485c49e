"""What forms state of their answers becomes facts: of every question in the lake, and withholding nothing."""

import pytest

STATED = [
    # item, kind, expression
    ("age", "constraint", 'number("age") >= 5 and number("age") <= 18'),
    ("spend", "constraint", 'number("spend") >= 0'),
    ("seen", "constraint", 'date_of("seen") <= submitted_on()'),
    ("note", "relevance", "selected(\"q1\", '5')"),
    ("note", "required", "\"q1\" = '4'"),
    ("height", "constraint", 'number("height") > 50'),
    ("reads", "relevance", 'number("height") > 50'),
]
RULES = [
    {"rule": f"form_{kind}s", "type": f"form_{kind}", "severity": "warning", "threshold_pct": 0}
    for kind in ("constraint", "relevance", "required")
]


@pytest.fixture(scope="module")
def built(tiny_programme, build_once):
    programme = tiny_programme.copy()
    programme.rules += RULES
    for row in programme.lake["redcap.main"]:
        row.pop("note", None)
    common = {"instrument": "child_test", "line": 2}
    programme.registry["form_expressions"] = [
        common
        | {"path": f"g/{item}", "item": item, "kind": kind, "source_text": "...", "expression": expression}
        for item, kind, expression in STATED
    ] + [
        common
        | {"path": "g/q2", "item": "q2", "kind": "constraint", "source_text": "pulldata('x', 'y')"}
        | {"why_untranslated": "'pulldata' looks into a list outside the record"}
    ]
    return build_once(programme)


def test_what_forms_state_is_counted_as_the_form_saw_it(built):
    query = """select rule, violations, denominator, fact_state from facts.int_facts
        where site = 'alpha' and wave = 'endline' and starts_with(rule_type, 'form_') order by rule"""
    assert built.rows(query) == [
        # 9, 8.25, 19 and 8; what is written 7,5 is for the rule on readable answers to judge.
        ("form_constraints__child_test__age", 1, 4, "measured"),
        # 2025-02-03 alone can be read: the day of its submission.
        ("form_constraints__child_test__seen", 0, 1, "measured"),
        # 1, 129.50, 10 and -99.0, which is no answer to an indicator but was one to the form.
        ("form_constraints__child_test__spend", 1, 4, "measured"),
        # Two records and a row of a roster, which sees the answer of the record it repeats under.
        ("form_relevances__child_test__note", 2, 3, "measured"),
        ("form_requireds__child_test__note", 2, 4, "measured"),
    ]


@pytest.mark.parametrize(
    ("site", "wave", "reason"),
    [
        ("alpha", "followup", "there is no answer that the form speaks of"),
        ("beta", "endline", "a question that the form speaks of is not in the lake of a source here"),
        ("alpha", "later", "the wave is planned"),
    ],
)
def test_where_nothing_of_a_statement_was_delivered_it_does_not_apply(built, site, wave, reason):
    query = f"""select fact_state, reason from facts.int_facts
        where rule = 'form_relevances__child_test__note' and site = '{site}' and wave = '{wave}'"""
    assert built.one(query) == ("not_applicable", reason)


def test_a_statement_touches_the_indicators_of_its_item_and_otherwise_none(built):
    query = """select distinct split_part(rule, '__', 3), indicator from facts.int_facts
        where starts_with(rule_type, 'form_') order by 1, 2"""
    assert built.rows(query) == [("age", "ages"), ("note", "-"), ("seen", "-"), ("spend", "spending")]


def test_every_statement_is_listed_with_its_rule_or_the_reason_why_none_measures_it(built):
    query = """select item, kind, rule is not null, why_not_measured from facts.int_form_statements
        where rule is null or item = 'age' order by item, kind"""
    assert built.rows(query) == [
        ("age", "constraint", True, None),
        ("height", "constraint", False, "its question is not in the lake"),
        ("q2", "constraint", False, "'pulldata' looks into a list outside the record"),
        ("reads", "relevance", False, "it speaks of what is not in the lake beside it: height"),
    ]
    assert built.one("select count(*) from facts.int_form_statements") == (len(STATED) + 1,)


def test_facts_of_other_rules_are_as_without_forms(built, warehouse):
    query = """select * from facts.int_facts
        where not starts_with(rule_type, 'form_') and rule <> 'note_allowed' order by all"""
    assert built.rows(query) == warehouse.rows(query)
