"""Facts about records, sources, units and arms: each counts what it says, or says why it does not apply."""

import pytest
from pydantic import TypeAdapter, ValidationError

from expectations.rule_types import RULE_TYPES, RuleSpec

RULES = [
    {"rule": "one_version", "type": "form_version_drift", "threshold_pct": 25},
    {"rule": "known_versions", "type": "form_version_drift", "threshold_pct": 25, "versions": ["v1", "v3"]},
    {"rule": "mapped", "type": "unmapped_questions", "threshold_pct": 50},
    {"rule": "soon", "type": "lateness", "threshold_pct": 10, "max_days": 7},
    {"rule": "no_less", "type": "shrinkage", "threshold_pct": 10},
    {"rule": "parents", "type": "orphan_rows", "threshold_pct": 1},
    {"rule": "clusters", "type": "cluster_counts", "threshold_pct": 90},
    {"rule": "full_clusters", "type": "cluster_counts", "threshold_pct": 90, "min_units": 3},
    {"rule": "unheard", "type": "disposition_share", "threshold_pct": 15} | {"disposition": "unaccounted"},
    {"rule": "in_sight", "type": "ids_vanish", "threshold_pct": 5},
    {"rule": "one_arm", "type": "arm_changes", "threshold_pct": 5},
    {"rule": "lost", "type": "attrition", "threshold_pct": 20},
    {"rule": "lost_alike", "type": "attrition_differential", "threshold_points": 10},
    {"rule": "lost_within", "type": "attrition_differential", "threshold_points": 10}
    | {"boundary": "cautious"},
    {"rule": "balanced", "type": "baseline_balance", "threshold_sd": 0.25},
]


@pytest.fixture(scope="module")
def built(tiny_programme, build_once):
    programme = tiny_programme.copy()
    programme.rules = [{"severity": "warning"} | rule for rule in RULES]
    kobo = {row["record_id"]: row for row in programme.lake["kobo.main"]}
    for name, version in {"k1a": "v1", "k1b": "v1", "k2": "v1", "k3": "v2", "k4": "v3"}.items():
        kobo[name]["form_version"] = version
    # Of the follow-up one record came on the seventh day after its interview, one on the eighth.
    kobo["k7"] |= {"ended_at": "2026-02-22T10:00:00"}
    late = {"record_id": "k9", "unit_id": "A2", "wave": "followup", "ended_at": "2026-02-21T10:00:00"}
    programme.lake["kobo.main"].append(kobo["k7"] | late)
    # The survey says the other arm than the lot for one of two.
    kobo["k2"]["arm"], kobo["k3"]["arm"] = "Control", "control"
    programme.row("sources", source="kobo").update(earlier_row_count=22, orphan_count=3)
    programme.row("sources", source="redcap").update(earlier_row_count=None, orphan_count=0)
    for row in programme.lake["listing.main"]:
        row["subgroup_female"] = "female" if row["unit_id"] in ("A1", "A4", "B1", "B2") else "male"
    return build_once(programme)


def fact(warehouse, rule, site="alpha", wave="endline"):
    return warehouse.one(
        f"""select violations, denominator, measured, threshold, fact_state from facts.int_facts
        where rule = '{rule}' and site = '{site}' and wave = '{wave}'"""
    )


@pytest.mark.parametrize(
    ("rule", "wave", "expected"),
    [
        # Five of six complete records tell a version: v1 three times, v2 and v3 once.
        ("one_version", "endline", (2, 5, 40.0, 25.0, "measured")),
        ("known_versions", "endline", (1, 5, 20.0, 25.0, "measured")),
        ("soon", "followup", (1, 2, 50.0, 10.0, "measured")),
        # Twenty-two records then, eleven now; three orphans beside two rows of the roster.
        ("no_less", "followup", (11, 22, 50.0, 10.0, "measured")),
        ("parents", "endline", (3, 5, 60.0, 1.0, "measured")),
        # Both clusters have two measured units, neither has three.
        ("clusters", "endline", (0, 2, 100.0, 90.0, "measured")),
        ("full_clusters", "endline", (2, 2, 0.0, 90.0, "measured")),
        # Of A1, A2, A4, A5 and A7 nobody says anything of A7.
        ("unheard", "endline", (1, 5, 20.0, 15.0, "measured")),
        # Of the lot's five, A3 refused; A6 and A7, who stand for A3, bring nobody back.
        ("lost", "endline", (1, 5, 20.0, 20.0, "measured")),
        ("one_arm", "endline", (1, 2, 50.0, 5.0, "measured")),
    ],
)
def test_what_records_and_units_tell_is_counted(built, rule, wave, expected):
    assert fact(built, rule, wave=wave) == expected


def test_questions_that_feed_nothing_are_counted_among_those_with_answers(built):
    violations, denominator, _, _, state = fact(built, "mapped")
    query = """select count(*) from facts.int_coverage
        where source = 'kobo' and role in ('item', 'unmapped') and answered_count + unmapped_count > 0"""
    assert (violations, denominator, state) == (1, *built.one(query), "measured")


def test_arms_that_lose_differently_are_held_to_the_boundary_of_the_overall_loss(built):
    # Nobody of two treated, one of three controls; 20% lost in all: 5.4 points is the cautious limit.
    assert fact(built, "lost_alike") == (None, 5, pytest.approx(100 / 3), 10.0, "measured")
    assert fact(built, "lost_within")[2:] == (pytest.approx(100 / 3), 5.4, "measured")


def test_balance_is_the_largest_standardised_difference(built):
    # One of two treated and one of three controls is female: 1/6 over sqrt((1/4 + 2/9) / 2).
    expected = (1 / 6) / ((1 / 4 + 2 / 9) / 2) ** 0.5
    assert fact(built, "balanced")[1:] == (5, pytest.approx(expected), 0.25, "measured")


@pytest.mark.parametrize(
    ("rule", "site", "wave", "reason"),
    [
        ("soon", "alpha", "endline", "the wave is not in the field"),
        ("no_less", "alpha", "endline", "the wave is not in the field"),
        ("one_version", "beta", "endline", "no source here tells the version of its form"),
        ("no_less", "beta", "followup", "nothing was delivered before that could have become less"),
        ("parents", "beta", "endline", "no source here has rows that belong to others"),
        ("clusters", "beta", "endline", "the frame has no clusters here"),
        ("clusters", "alpha", "followup", "the wave is still in the field"),
        ("lost", "alpha", "baseline", "who is measured at a baseline was not assigned before"),
        ("lost_alike", "alpha", "baseline", "who is measured at a baseline was not assigned before"),
        ("in_sight", "alpha", "baseline", "nobody was measured here at an earlier wave"),
        ("one_arm", "beta", "endline", "nobody''s arm is told more than once here"),
        ("balanced", "beta", "endline", "the frame tells nothing of two arms that could be compared here"),
    ],
)
def test_what_was_never_told_or_is_over_is_not_applicable_with_its_reason(built, rule, site, wave, reason):
    query = f"""select fact_state, reason = '{reason}' from facts.int_facts
        where rule = '{rule}' and site = '{site}' and wave = '{wave}'"""
    assert built.one(query) == ("not_applicable", True)


def test_units_seen_before_and_never_heard_of_again_are_counted(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.rules = [{"rule": "in_sight", "type": "ids_vanish", "threshold_pct": 5}]
    earlier = [
        {"record_id": f"b{unit}", "unit_id": unit, "site_code": "AL01", "wave": "baseline"}
        for unit in ("A2", "A3", "A5", "A7", "GHOST")
    ]
    programme.lake["kobo.main"] += earlier
    programme.lake["redcap.main"] = []
    # Of A1, A2, A3, A5, A7 and a stray: A7 and the stray are heard of no more; A3 refused, A5 died.
    assert fact(build_warehouse(programme), "in_sight")[:2] == (2, 6)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"type": "cluster_counts", "threshold_pct": 90, "min_units": 0}, "greater than or equal to 1"),
        ({"type": "lateness", "threshold_pct": 10, "max_days": -1}, "below 0"),
        ({"type": "attrition_differential", "threshold_points": 100}, "can never fail"),
        ({"type": "attrition_differential", "threshold_points": 5, "boundary": "own"}, "cautious"),
        ({"type": "baseline_balance", "threshold_sd": 0}, "hardly ever pass"),
        ({"type": "disposition_share", "threshold_pct": 5, "disposition": "complete"}, "refused"),
    ],
)
def test_a_limit_that_cannot_work_is_refused(rule, message):
    said = {"rule": "r", "severity": "warning", "set_by": "t", "set_on": "2026-01-01", "ground": "t"}
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(RuleSpec).validate_python(said | rule)


def test_types_that_compare_arms_by_chance_see_outcomes_and_only_warn():
    assert RULE_TYPES["attrition_differential"].sees_outcomes
    assert RULE_TYPES["baseline_balance"].sees_outcomes
    assert not RULE_TYPES["attrition"].sees_outcomes
