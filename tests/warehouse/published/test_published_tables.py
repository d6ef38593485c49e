"""What the published tables promise: nothing small is shown, nothing missing is unexplained or undescribed.

The warehouse behind them is written by hand in conftest.py; the models are the real ones, with their tests.
"""

from collections.abc import Callable
from typing import Any

import pytest

Query = Callable[[str], list[tuple[Any, ...]]]


def test_counts_are_rounded_and_small_ones_hidden(private_release: Query) -> None:
    [(frame, complete, refused, dead, moved, strangers)] = private_release(
        "select frame_unit_count, complete_count, refused_count, dead_count, moved_count, outside_frame_count"
        " from waves where site = 'alpha' and wave = 'endline'"
    )
    assert (frame, complete, refused, dead, moved, strangers) == (105, 90, None, None, 0, 10)
    assert private_release(
        "select answered_count, missing_code_count from coverage where item = 'reads'"
    ) == [(None, None)]
    assert private_release(
        "select distinct frame_unit_count, follow_up_pct from waves where wave = 'followup'"
    ) == [(0, None)]
    assert private_release("select kept_row_count from provenance where source = 'door'") == [(105,)]


def test_a_public_programme_is_published_exactly(public_release: Query) -> None:
    assert public_release(
        "select frame_unit_count, refused_count, dead_count from waves where site = 'alpha' and wave ="
        " 'endline'"
    ) == [(103, 12, 3)]
    assert public_release("select count(*) from indicator_values where is_suppressed or n = 5") == [(1,)]
    [(estimate, n)] = public_release(
        "select estimate, n_treatment from site_effects where analysis = 'main' and site = 'tiny'"
    )
    assert (estimate, n) == (12.5, 5)
    assert public_release("select distinct withheld_reason from sites where site = 'delta'") == [
        ("age_range: 2.9% of 103 against at most 1%",)
    ]


def test_a_small_arm_hides_every_number_that_rests_on_it(private_release: Query) -> None:
    numbers = "estimate, estimate_se, df, estimate_low, estimate_high, p_value"
    numbers += ", mean_treatment, mean_control, sd_control"
    [row] = private_release(
        f"select {numbers}, n_treatment, n_control, is_suppressed, why_missing from site_effects where"
        f" site = 'tiny'"
    )
    assert row == (None,) * 10 + (
        100,
        True,
        "suppressed: fewer than 8 people in an arm, or beside such a group",
    )
    [value] = private_release(
        "select value, value_se, sd, n, is_suppressed, why_missing from indicator_values"
        " where site = 'tiny' and arm = 'treatment'"
    )
    assert value == (None, None, None, None, True, "suppressed: fewer than 8 people, or beside such a group")


def test_a_share_that_gives_a_small_count_away_is_hidden_with_its_fellow_arm(private_release: Query) -> None:
    shown = dict(
        private_release(
            "select site || ' ' || arm, value from indicator_values where indicator = 'reads' and not"
            " is_suppressed"
        )
    )
    # beta: 3 of 103 do not read; gamma: 100% of 14, of whom no other share could have been shown
    assert shown == pytest.approx({"alpha control": 4000 / 101, "alpha treatment": 6100 / 103})
    [(mean, estimate)] = private_release(
        "select mean_treatment, estimate from site_effects where analysis = 'main' and site = 'beta'"
    )
    assert mean is None and estimate == 12.5


def test_values_carry_the_error_that_their_clusters_give(private_release: Query) -> None:
    [(value, se, df, clusters, n)] = private_release(
        "select value, value_se, df, cluster_count, n from indicator_values where indicator = 'reads'"
        " and site = 'alpha' and arm = 'treatment'"
    )
    mean = 61 / 103
    scatter = (31 - mean * 52) ** 2 + (30 - mean * 51) ** 2
    assert value == pytest.approx(100 * mean, rel=1e-12)
    assert se == pytest.approx(100 * (2 * scatter) ** 0.5 / 103, rel=1e-9)
    assert (df, clusters, n) == (1, 2, 105)


def test_a_rate_is_in_its_unit_and_hidden_with_its_fellow_arm_where_events_are_few(
    private_release: Query,
) -> None:
    assert private_release(
        "select site, arm, value, n, is_suppressed from indicator_values where indicator = 'sick' order"
        " by all"
    ) == [
        ("alpha", "treatment", 2.0, 100, False),
        ("beta", "control", None, 100, True),
        ("beta", "treatment", None, 100, True),
    ]


def test_a_withheld_site_stays_with_its_reason_and_without_numbers(private_release: Query) -> None:
    assert private_release(
        "select state, estimate, n_treatment, why_missing, quality_verdict from site_effects where site"
        " = 'delta'"
    ) == [("withheld", None, None, "age_range: more than 1%", "fail")]
    [(count, words)] = private_release(
        "select withheld_site_count, withheld_sites from headline where analysis = 'main' and indicator"
        " = 'reads'"
    )
    assert (count, words) == (1, "delta: age_range: more than 1%")
    assert private_release("select withheld_cell_count, withheld_reason from sites where site = 'delta'") == [
        (4, "age_range: more than 1%")
    ]


def test_no_published_reason_quotes_a_count(private_release: Query) -> None:
    assert private_release(
        "select count(*) from quality_verdicts where reason similar to '.*[0-9]% of [0-9].*'"
    ) == [(0,)]
    [(measured, violations, denominator)] = private_release(
        "select measured, violation_count, denominator_count from quality_verdicts where rule ="
        " 'age_range' and site = 'delta'"
    )
    assert (measured, violations, denominator) == (None, None, 105)
    [(measured, reason)] = private_release(
        "select measured, reason from quality_verdicts where rule = 'age_range' and site = 'alpha'"
    )
    assert (measured, reason) == (11.7, "at most 20%")


def test_the_headline_answers_every_primary_indicator_of_every_headline_analysis(
    private_release: Query,
) -> None:
    rows = private_release(
        "select analysis, indicator, effect_scope, effect, pilot_effect, scaled_effect, retention, verdict,"
        " effect_n, effect_site_count, quality_verdict, is_interim from headline order by headline_order"
    )
    assert rows == [
        ("main", "reads", "retention", 10.0, 12.5, 10.0, 0.8, "held", 310, 2, "warn", False),
        ("main", "score", "retention", None, None, None, None, "not_applicable", None, 4, "warn", False),
        ("whole", "reads", "network", 12.5, None, None, None, "not_applicable", 410, 4, "warn", False),
        ("whole", "score", "network", None, None, None, None, "not_applicable", None, 4, "warn", False),
        ("later", "reads", "retention", None, None, None, None, "interim", None, 0, None, True),
        ("later", "score", "retention", None, None, None, None, "interim", None, 0, None, True),
    ]
    words = dict(
        private_release("select analysis, verdict_words from headline where indicator = 'reads' order by all")
    )
    assert words["main"] == "kept at least half"
    assert words["whole"] == "no pilot to compare with: the effect over all sites is given"
    assert words["later"].startswith("not told yet")


def test_no_number_travels_alone(private_release: Query) -> None:
    """An estimate stands beside error, n, estimand, unit, class and verdict, or says why it is missing."""
    for table in ("site_effects", "pooled_effects"):
        assert private_release(
            f"select count(*) from {table} where estimate is not null and (estimate_se is null or df is null"
            " or estimate_low is null or n_treatment is null or estimand is null or effect_unit is null"
            " or comparability_class is null or quality_verdict is null)"
        ) == [(0,)]
        assert private_release(
            f"select count(*) from {table} where estimate is null and why_missing is null"
        ) == [(0,)]
    assert private_release("select count(*) from headline where effect is null and why_missing is null") == [
        (0,)
    ]


def test_provenance_tells_the_state_but_no_path_and_no_time_of_ours(private_release: Query) -> None:
    assert private_release("select source, state, state_reason from provenance order by source") == [
        ("door", "current", None),
        ("late", "failed", "the last pull failed; what was pulled before it is used"),
    ]
    columns = {name for (name,) in private_release("select column_name from data_dictionary")}
    assert not columns & {"pulled_at", "path", "receipt_message", "run_id"}


def test_the_dictionary_and_the_comments_cover_every_published_column(private_release: Query) -> None:
    published = set(
        private_release(
            "select table_name, column_name, column_index, lower(data_type), comment from duckdb_columns()"
            " where schema_name = 'published'"
        )
    )
    described = set(
        private_release(
            "select table_name, column_name, column_order, data_type, description from data_dictionary"
        )
    )
    assert described == published
    assert private_release("select count(*) from data_dictionary where coalesce(unit, '') = ''") == [(0,)]


def test_every_published_table_names_its_key(private_release: Query) -> None:
    keys = dict(
        private_release(
            "select table_name, string_agg(column_name, ', ' order by column_order) from data_dictionary"
            " where is_key group by table_name"
        )
    )
    comments = dict(
        private_release("select table_name, comment from duckdb_tables() where schema_name = 'published'")
    )
    assert set(keys) == set(comments)
    assert all(comments[table].endswith(f"Key: {key}.") for table, key in keys.items())
