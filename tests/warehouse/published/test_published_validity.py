"""What the release tells of validity, and what it keeps to itself: nobody's loss is told of a small group."""

from collections.abc import Callable
from typing import Any

Query = Callable[[str], list[tuple[Any, ...]]]

SHOWN = """select site, subject, value, n, is_suppressed, why_missing from validity
    where measure = 'attrition' and stage = '{stage}' order by site, subject"""


def test_a_share_of_lost_people_is_told_with_a_rounded_count(private_release: Query) -> None:
    shown = private_release(SHOWN.format(stage="pilot"))
    assert ("alpha", "treatment", 20.0, 100, False, "a number without a standard error of its own") in shown
    assert ("network", "everybody", 25.0, 400, False, "a number without a standard error of its own") in shown


def test_few_lost_people_are_hidden_and_so_is_the_total_that_would_tell_them(private_release: Query) -> None:
    shown = {row[:2]: row[2:] for row in private_release(SHOWN.format(stage="scaled"))}
    words = "suppressed: a share that would give a small count away"
    assert shown["delta", "treatment"] == (None, 100, True, words)
    assert shown["delta", "everybody"][2:] == (True, words)
    assert shown["network", "everybody"][0] is None and shown["network", "everybody"][2]
    assert shown["gamma", "treatment"][0] == 20.0


def test_a_total_of_a_stage_whose_sites_are_all_told_is_told(private_release: Query) -> None:
    assert private_release(
        "select value from validity where site = 'network' and stage = 'pilot' and subject = 'treatment'"
    ) == [(25.0,)]


def test_a_public_programme_tells_all_losses(public_release: Query) -> None:
    assert public_release("select count(*) from validity where is_suppressed or value is null") == [(0,)]


def test_what_could_have_been_found_is_told_beside_its_band(private_release: Query) -> None:
    assert private_release("select value, unit, band from validity where band is not null") == [
        (4.0, "percentage points", "powered")
    ]


def test_without_a_population_representativeness_says_so(private_release: Query) -> None:
    assert private_release("select measure, state, value, why_missing from representativeness") == [
        ("tipton_b", "not_applicable", None, "no population is registered that the sites are to stand for")
    ]
