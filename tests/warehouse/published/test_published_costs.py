"""What the release tells of costs: amounts as they are, and no count that a cost would give away."""

from collections.abc import Callable
from typing import Any

import pytest

Query = Callable[[str], list[tuple[Any, ...]]]

SHOWN = """select site, value, n, is_suppressed, state from cost_effectiveness
    where measure = '{measure}' and stage = '{stage}' order by site"""


def test_a_cost_per_participant_gives_no_more_than_the_rounded_count(private_release: Query) -> None:
    shown = private_release(SHOWN.format(measure="cost_per_participant", stage="pilot"))
    assert [row[0] for row in shown] == ["alpha", "beta", "network"]
    for (_, value, n, is_suppressed, _), rounded in zip(shown, (105, 100, 200), strict=True):
        assert (n, is_suppressed) == (rounded, False)
        assert 1030.0 / value == pytest.approx(rounded, rel=1e-12)
    ((_, bought, n, *_), *_) = private_release(SHOWN.format(measure="effect_per_100", stage="pilot"))
    assert bought == pytest.approx(n / 10, rel=1e-12)


def test_a_hidden_count_hides_its_costs_per_head_and_the_total_that_would_tell_them(
    private_release: Query,
) -> None:
    shown = {
        row[0]: row[1:]
        for row in private_release(SHOWN.format(measure="cost_per_participant", stage="scaled"))
    }
    assert shown["tiny"] == (None, None, True, "suppressed")
    assert shown["network"][0] is None and shown["network"][2]
    # a stage of two sites: what is told of the other would tell, with the stage's total, of the small one
    assert shown["gamma"][0] is None


def test_what_was_spent_is_told_whoever_it_served(private_release: Query) -> None:
    shown = private_release(SHOWN.format(measure="total_cost", stage="scaled"))
    assert [row[1] for row in shown] == [1030.0] * 3


def test_a_public_programme_tells_exact_costs(public_release: Query) -> None:
    shown = public_release(SHOWN.format(measure="cost_per_participant", stage="scaled"))
    assert [1030.0 / row[1] for row in shown] == pytest.approx([103, 108, 5], rel=1e-12)
