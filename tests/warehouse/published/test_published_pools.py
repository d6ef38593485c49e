"""What is told of a pool's sites names its estimator, ranks nobody, and hides what shows a small site."""

import pytest

TABLES = ("site_influence", "cumulative_effects", "meta_regression")


@pytest.mark.parametrize("table", TABLES)
def test_a_pool_with_a_site_too_small_hides_what_would_give_it_away(
    private_release, public_release, table
) -> None:
    hidden = private_release(f"select is_suppressed, stage from {table} group by all order by stage")
    assert hidden == [(False, "pilot"), (True, "scaled")]
    assert not any(flag for (flag,) in public_release(f"select is_suppressed from {table}"))


def test_answers_without_a_site_weights_and_shrunken_effects_are_hidden_together(private_release) -> None:
    numbers = "site_estimate, weight_pct, without, without_se, without_change, shrunken, constrained"
    rows = private_release(f"select {numbers} from site_influence where stage = 'scaled'")
    assert rows == [(None,) * 7] * 2
    shown = private_release("select site, weight_pct, without from site_influence where stage = 'pilot'")
    assert shown == [("alpha", 50.0, 11.0), ("beta", 50.0, 11.0)]
    why = private_release("select distinct why_missing from site_influence where stage = 'scaled'")
    assert why == [("suppressed: fewer than 8 people in an arm of a site, or beside such a group",)]


def test_sites_are_in_the_order_of_their_names_and_have_no_rank(public_release) -> None:
    rows = public_release("select stage, site from site_influence")
    assert rows == sorted(rows)
    columns = [name for (name,) in public_release("select column_name from (describe site_influence)")]
    assert not [name for name in columns if "rank" in name or "best" in name]


def test_a_regression_over_too_few_sites_gives_its_reason_and_no_number(public_release) -> None:
    rows = public_release("select state, estimate, words, why_missing from meta_regression")
    assert set(rows) == {("too_few_sites", None, None, "2 sites have it, 10 or more are asked for")}


def test_every_pooled_number_names_its_estimator_population_and_design(public_release) -> None:
    rows = public_release("select estimator, design_group, inference, unit, estimand from pooled_effects")
    assert rows and all(all(row) for row in rows)
