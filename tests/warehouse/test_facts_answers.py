"""Rules over answers count what they say, through the one scan that real dbt runs."""

import pytest

RULES = [
    {"type": "pattern", "rule": "phone_shape", "item": "phone", "pattern": "0[0-9]{3}|it's"},
    {"type": "exclusive_options", "rule": "none_alone", "item": "helpers", "alone": ["none"]},
    {"type": "exclusive_options", "rule": "no_shock_alone", "item": "no_shock", "others": ["flood"]},
    {"type": "sum_of_items", "rule": "parts_add_up", "items": ["part_a", "part_b"], "total": "whole"},
    {
        "type": "sum_of_items",
        "rule": "parts_nearly",
        "items": ["part_a", "part_b"],
        "total": "whole",
        "tolerance": 1,
    },
    {"type": "straight_lining", "rule": "grit_varies", "items": ["q1", "q2", "q3"]},
    {"type": "heaping", "rule": "whole_heaps", "item": "whole", "multiple_of": 5, "threshold_pct": 60},
    {"type": "consent_present", "rule": "agreed", "item": "consent", "yes": ["yes"], "threshold_pct": 0},
    {"type": "consent_present", "rule": "agreed_by_number", "item": "no_shock", "threshold_pct": 0},
]
ITEMS = {
    "phone": "text",
    "helpers": "select_multiple",
    "no_shock": "boolean",
    "flood": "boolean",
    "part_a": "amount",
    "part_b": "amount",
    "whole": "amount",
    "consent": "select_one",
}
CODES = [("helpers", code) for code in ("a", "b", "none")] + [("consent", code) for code in ("yes", "no")]
ANSWERS = {
    # Tenths that doubles do not add up exactly; a missing code is no answer.
    "k1b": ("0712", "a b", "1", "0", "0.1", "0.2", "0.3", "yes"),
    "k1a": ("712", "none", "1", "1", "10", "5", "15", "yes"),
    "k2": ("it's", "none a", "0", "1", "10", "5", "15.5", "no"),
    "k3": ("07123", "none none", "1", "", "10", "5", "20", ""),
    "k4": ("", "", "", "1", "-99", "5", "20", "yes"),
    "k5": ("-99", "b none", "no", "", "", "", "0", "-99"),
}


@pytest.fixture(scope="module")
def facts(tiny_programme, build_once):
    programme = tiny_programme.copy()
    for item, kind in ITEMS.items():
        programme.registry["items"].append({"instrument": "child_test", "item": item, "item_type": kind})
    numbers = [(item, code) for item in ("no_shock", "flood") for code in ("1", "0")]
    for item, code in CODES + numbers:
        value = float(code) if code in "10" else None
        programme.registry["item_codes"].append(
            {"instrument": "child_test", "item": item, "code": code, "value": value}
        )
    for row in programme.lake["kobo.main"]:
        if row["record_id"] in ANSWERS:
            row.update(zip(ITEMS, ANSWERS[row["record_id"]], strict=True))
        if row["record_id"] == "k5":
            row.update(q1="4", q2="4", q3="4")
    programme.rules += [{"threshold_pct": 5} | rule for rule in RULES]
    return build_once(programme)


@pytest.mark.parametrize(
    ("rule", "violations", "denominator"),
    [
        ("phone_shape", 2, 4),
        # The same option twice is still one.
        ("none_alone", 2, 5),
        # An option that is not ticked may be blank; "no" is no code here.
        ("no_shock_alone", 1, 4),
        ("parts_add_up", 2, 4),
        ("parts_nearly", 1, 4),
        ("whole_heaps", 3, 5),
        # Refused, blank and a missing code are no yes.
        ("agreed", 3, 6),
        ("agreed_by_number", 3, 6),
    ],
)
def test_rules_over_answers_count_what_they_say(facts, rule, violations, denominator):
    query = f"""select distinct violations, denominator, fact_state from facts.int_facts
        where rule = '{rule}' and site = 'alpha' and wave = 'endline'"""
    assert facts.rows(query) == [(violations, denominator, "measured")]


def test_a_block_concerns_the_indicators_that_read_one_of_its_items(facts):
    query = """select rule, indicator, violations, denominator from facts.int_facts
        where rule like 'grit_varies%' and site = 'alpha' and wave = 'endline' order by all"""
    # One of the two who answered the whole block gave one answer to all of it.
    assert facts.rows(query) == [
        (f"grit_varies__child_test__{item}", indicator, 1, 2)
        for item in ("q1", "q2", "q3")
        for indicator in ("grit", "grit_mean")
    ]


def test_a_record_that_agreed_concerns_every_indicator(facts):
    assert facts.rows("select distinct indicator from facts.int_facts where rule = 'agreed'") == [("*",)]
