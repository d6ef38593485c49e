"""A sum's value is the arm's total, for as many people as the release counts."""

import pytest

TOTAL = """select value, value_se, df, n, estimator, unit from indicator_values where indicator = 'spent'"""


def test_a_total_adds_up_and_its_error_is_the_scatter_of_the_clusters_totals(public_release) -> None:
    [(value, se, df, n, estimator, unit)] = public_release(TOTAL)
    assert (value, df, n, estimator, unit) == (1110.0, 1, 103, "arm_total_by_cluster", "USD")
    assert se == pytest.approx((2 * (55**2 + 55**2)) ** 0.5, rel=1e-12)


def test_a_total_does_not_tell_how_many_people_it_is_made_of(private_release, public_release) -> None:
    [(value, se, df, n, _, _)] = private_release(TOTAL)
    [(exact, exact_se, *_)] = public_release(TOTAL)
    assert (value, n, df) == (pytest.approx(exact * 105 / 103, rel=1e-12), 105, 1)
    assert se == pytest.approx(exact_se * 105 / 103, rel=1e-12)


def test_what_is_done_to_an_answer_is_published_in_words(public_release) -> None:
    rows = public_release("select indicator, value_rule, is_descriptive from indicators order by indicator")
    words = "kept from 0 on and up to 500, fixed on 2024-01-10 (the pilot's 99th percentile)"
    assert ("spent", words, True) in rows and ("sick", None, False) in rows
