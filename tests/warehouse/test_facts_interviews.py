"""Facts over interviews: how long, when, who held them, copies of others, and what a second visit is told."""

import random

import pytest

TELLING = ("enumerator", "started_at", "ended_at", "position")
QUESTIONS = [f"item_{place:02}" for place in range(20)]
RULES = [
    {"rule": "long_enough", "type": "interview_duration", "min_minutes": 10, "max_minutes": 120},
    {"rule": "by_day", "type": "night_interviews", "from_hour": 6, "to_hour": 21},
    {"rule": "not_too_many", "type": "enumerator_productivity", "max_per_day": 2},
    {"rule": "one_at_a_time", "type": "overlapping_interviews", "min_minutes": 5},
    {"rule": "one_there", "type": "overlapping_interviews", "min_minutes": 5, "same_place": True},
    {"rule": "own_places", "type": "same_place", "max_units": 1},
    {"rule": "all_get_answers", "type": "enumerator_missing", "points": 15, "min_interviews": 2},
    {"rule": "no_copies", "type": "near_duplicates", "agree_pct": 80, "min_items": 15},
    {"rule": "same_again", "type": "back_check_error_rate", "tolerance": 1},
    {"rule": "same_sex_again", "type": "back_check_error_rate", "items": ["child_test.q1"]},
]
EFFECT = {"rule": "same_for_all", "type": "enumerator_effect", "item": "child_test.age", "min_interviews": 2}
RELIABLE = {"type": "back_check_reliability", "min_pairs": 3, "threshold_r": 0.5}


def interview(name, who, start, end, position=None, **answers):
    place = {"record_id": name, "unit_id": f"U{name.upper()}", "site_code": "AL01", "wave": "endline"}
    times = {"started_at": f"2025-02-0{start}:00.000Z", "ended_at": f"2025-02-0{end}:00.000Z"}
    told = {"enumerator": who, "submitted_at": f"2025-02-0{start}:00", "position": position}
    return place | times | told | {name: value for name, value in answers.items() if value is not None}


def answers(seed, changed=()):
    """Twenty answers, other for each seed; those at the places in `changed` are another once more."""
    return {
        question: str((seed * 31 + place * 7) % 97 + (200 if place in changed else 0))
        for place, question in enumerate(QUESTIONS)
    }


def random_interviews():
    """Sixty of one enumerator, many of them an earlier one's with some answers changed or blank."""
    draw, rows = random.Random(5), []
    for _ in range(60):
        told = dict(draw.choice(rows)) if rows and draw.random() < 0.7 else {}
        told = {question: told.get(question, str(draw.randint(0, 2))) for question in QUESTIONS}
        for question in draw.sample(QUESTIONS, draw.randint(0, 8)):
            told[question] = draw.choice(["0", "1", "2", None])
        rows.append(told)
    return [
        interview(f"r{place:02}", "CAT", "1T06:00", "1T06:30", **told) | {"wave": "baseline"}
        for place, told in enumerate(rows)
    ]


def are_copies(one, other):
    pairs = [(one.get(question), other.get(question)) for question in QUESTIONS]
    either = [pair for pair in pairs if pair != (None, None)]
    return len(either) >= 15 and sum(a == b for a, b in either) >= 0.8 * len(either)


@pytest.fixture(scope="module")
def built(tiny_programme, build_once):
    """Alpha tells everything of its interviews and sends back-checks; beta tells nothing."""
    programme = tiny_programme.copy()
    registry = programme.registry
    registry["programme"][0]["timezone"] = "Africa/Nairobi"
    registry["source_keys"] = [{"source": "kobo", "key": key} for key in TELLING]
    registry["sources"].append({"source": "second_visit", "role": "back_check", "instrument": "child_test"})
    registry["source_sites"].append({"source": "second_visit", "site": "alpha"})
    registry["source_waves"].append({"source": "second_visit", "wave": "endline"})
    registry["items"] += [
        {"instrument": "child_test", "item": question, "item_type": "text"} for question in QUESTIONS
    ]
    here, there, coarse = "-1.234567 36.812345 1600 4", "-1.234599 36.812399", "-1.235 36.815"
    programme.lake = {
        "kobo.main": [
            # Ann: half an hour; begun twenty minutes before the first was over; in Nairobi at 23:30.
            interview("a1", "ANN", "1T06:00", "1T06:30", here, age="6", q1="1", **answers(1)),
            interview("a2", "ANN", "1T06:10", "1T06:40", there, age="7", q1="1", **answers(2)),
            interview("a3", "ANN", "1T20:30", "1T21:00", coarse, age="6.5", q1="2", **answers(1, [3, 9])),
            # Ben: five minutes; three hours and a half, at Ann's first place; his answers are mostly missing.
            interview("b1", "BEN", "1T07:00", "1T07:05", None, age="16", q1="-99", **{"g/reads": None}),
            interview("b2", "BEN", "2T07:00", "2T10:30", here, age="17", q1="2"),
            interview("b3", "BEN", "3T07:00", "3T08:00", age="16.5", q1="-99", **answers(1, [3, 9, 10])),
            *random_interviews(),
        ],
        "redcap.main": programme.lake["redcap.main"],
        "second_visit.main": [
            {"record_id": f"v-{unit}", "unit_id": f"U{unit}", "age": age, "q1": q1}
            | {"site_code": "AL01", "wave": "endline"}
            for unit, age, q1 in [("A1", "7", "1"), ("A2", "9.5", "1"), ("A3", "6.5", "1"), ("B1", "16", "1")]
        ],
    }
    for row in programme.lake["kobo.main"][:3]:
        row["g/reads"] = "1"
    programme.rules = [{"threshold_pct": 10, "severity": "warning"} | rule for rule in RULES]
    programme.rules += [
        EFFECT | {"severity": "warning", "threshold_share": 0.2},
        RELIABLE | {"rule": "reliable", "severity": "warning", "items": ["age"]},
        RELIABLE | {"rule": "reliable_codes", "severity": "warning", "items": ["q1"]},
    ]
    return build_once(programme)


def fact(built, rule, site="alpha", wave="endline"):
    return built.one(
        f"""select violations, denominator, measured, fact_state from facts.int_facts
        where rule = '{rule}' and site = '{site}' and wave = '{wave}'"""
    )


@pytest.mark.parametrize(
    ("rule", "violations", "denominator"),
    [
        # Five minutes, and three and a half hours.
        ("long_enough", 2, 6),
        # 20:30 UTC is 23:30 in Nairobi.
        ("by_day", 1, 6),
        # Ann held three on one day; Ben one on each of three.
        ("not_too_many", 1, 4),
        # a2 began before a1 was over, at another place.
        ("one_at_a_time", 1, 6),
        ("one_there", 0, 6),
        # a1 and b2 at one place to the metre; the place with three decimals is not judged.
        ("own_places", 2, 3),
        # Ben misses reads three times and q1 twice, of 29 that he asked; Ann none.
        ("all_get_answers", 1, 2),
        # Of Ann's, a3 agrees with a1 in 19 of 23; with Ben's b3 her work is not compared.
        ("no_copies", 2, 6),
        # Four ages, one off by more than a year; three q1, as a code of no answer is none, one changed.
        ("same_again", 2, 7),
        ("same_sex_again", 1, 3),
    ],
)
def test_interviews_are_counted_where_they_break_the_rule(built, rule, violations, denominator):
    measured = pytest.approx(100 * violations / denominator)
    assert fact(built, rule) == (violations, denominator, measured, "measured")


def test_every_copy_is_found_that_comparing_all_with_all_finds(built):
    rows = random_interviews()
    copies = [one for one in rows if any(one is not other and are_copies(one, other) for other in rows)]
    assert 10 < len(copies) < 50
    assert fact(built, "no_copies", wave="baseline")[:2] == (len(copies), 60)


def test_the_share_of_variance_between_enumerators_is_that_of_a_one_way_analysis(built):
    # Means 6.5 and 16.5, each with variance 0.25: between 150, within 0.25, three each.
    assert fact(built, "same_for_all")[2] == pytest.approx((150 - 0.25) / (150 + 2 * 0.25))


def test_reliability_is_the_intraclass_correlation_of_numbers_and_kappa_of_codes(built):
    # Pairs of ages: (6, 7), (7, 9.5), (6.5, 6.5), (16, 16).
    means = [6.5, 8.25, 6.5, 16.0]
    centre = sum(means) / 4
    between = 2 * sum((mean - centre) ** 2 for mean in means) / 3
    within = (1 + 2.5**2) / 2 / 4
    assert fact(built, "reliable")[2] == pytest.approx((between - within) / (between + within))
    # Codes (1, 1), (1, 1), (2, 1): two of three agree, and by chance as many would.
    assert fact(built, "reliable_codes")[2] == pytest.approx(0)


def test_what_no_source_tells_is_not_applicable_with_its_reason(built):
    reasons = dict(
        built.rows(
            """select rule, reason from facts.int_facts
            where site = 'beta' and wave = 'endline' and fact_state = 'not_applicable'"""
        )
    )
    assert reasons["long_enough"] == "no source here tells when interviews began and when they ended"
    assert reasons["same_for_all"] == "no source here tells the enumerator"
    assert reasons["reliable"] == "no source here tells of back-checks"
    assert reasons["own_places"] == "no source here tells their place"
    assert len(reasons) == 13


def test_back_checks_are_no_answers_of_the_survey(built):
    assert built.one("select count(*) from frame.int_submissions where source = 'second_visit'") == (0,)
