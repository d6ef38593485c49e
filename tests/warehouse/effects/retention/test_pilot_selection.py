"""A selected pilot is corrected for its rule: exact given the rule, the raw one untouched beside it."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats

TWO_SIDED = {"pilot_selection": "significant", "selection_alpha": 0.05, "selection_sides": "two"}


def chance_below(x: float, mean: float, se: float, low: float, high: float) -> float:
    """P(X <= x | X <= low or X >= high), by integrating the normal density: no tail function."""

    def area(a: float, b: float) -> float:
        a, b = max(a, mean - 40 * se), min(b, mean + 40 * se)
        return integrate.quad(stats.norm(mean, se).pdf, a, b, epsabs=0, epsrel=1e-12)[0] if b > a else 0.0

    return (area(-np.inf, min(x, low)) + area(high, x)) / (area(-np.inf, low) + area(high, np.inf))


def inverted(p: float, x: float, se: float, low: float, high: float) -> float:
    return optimize.brentq(
        lambda mean: chance_below(x, mean, se, low, high) - p, x - 8 * se, x + 8 * se, xtol=1e-13
    )


@pytest.mark.parametrize(
    ("rule", "low", "high"),
    [
        (TWO_SIDED, -1.959963984540054 * 0.3, 1.959963984540054 * 0.3),
        (TWO_SIDED | {"selection_sides": "one", "selection_alpha": 0.1}, -np.inf, 1.2815515655446004 * 0.3),
        ({"pilot_selection": "estimate_above", "selection_value": 0.5}, -np.inf, 0.5),
    ],
)
def test_the_corrected_effect_inverts_the_likelihood_given_the_rule(
    retained, retention_side, rule, low, high
):
    (row,) = retained([retention_side(0.9, 0.3, 0.6, 0.1)], analysis=rule).itertuples()
    expected = [inverted(p, 0.9, 0.3, low, high) for p in (0.5, 0.975, 0.025)]
    found = [row.pilot_corrected_estimate, row.pilot_corrected_low, row.pilot_corrected_high]
    assert found == pytest.approx(expected, rel=1e-8)
    assert row.pilot_corrected_estimate < row.pilot_estimate == 0.9
    assert row.selection_state == "corrected"


def test_a_pilot_far_beyond_its_rule_needs_no_correction(retained, retention_side):
    (row,) = retained([retention_side(9.0, 0.3, 6.0, 0.3, 12.0)], analysis=TWO_SIDED).itertuples()
    assert [row.pilot_corrected_estimate, row.pilot_corrected_low] == pytest.approx([9.0, row.pilot_low])
    raw = [row.retention, row.retention_low, row.retention_high]
    corrected = [row.retention_corrected, row.retention_corrected_low, row.retention_corrected_high]
    assert corrected == pytest.approx(raw, rel=1e-6)
    assert row.verdict_corrected == row.verdict == "held"


def test_a_barely_significant_pilot_loses_its_verdict_beside_the_raw_one(retained, retention_side):
    (row,) = retained([retention_side(0.65, 0.3, 0.6, 0.05)], analysis=TWO_SIDED).itertuples()
    assert row.verdict == "held"
    assert row.verdict_corrected == "not_established"
    assert (row.retention_corrected_set, pd.isna(row.retention_corrected)) == ("not_estimable", True)
    assert "corrected for that rule: the pilot's own effect is not established" in row.why


def test_what_cannot_be_corrected_says_why(retained, retention_side):
    weak, strong = retention_side(0.3, 0.3, 0.2, 0.1), retention_side(0.9, 0.3, 0.6, 0.1)
    (unmet,) = retained([weak], analysis=TWO_SIDED).itertuples()
    assert (unmet.selection_state, unmet.verdict_corrected) == ("rule_not_met", None)
    assert "does not meet the rule" in unmet.why
    (other,) = retained([strong], analysis=TWO_SIDED | {"selection_indicator": "reads"}).itertuples()
    assert other.selection_state == "selected_on_another_indicator"
    assert "selected for reads" in other.why
    threshold = {"pilot_selection": "estimate_above", "selection_value": 0.9 - 1e-7}
    (edge,) = retained([strong], analysis=threshold).itertuples()
    assert (edge.selection_state, pd.isna(edge.pilot_corrected_low)) == ("at_the_threshold", True)
    (free,) = retained([strong]).itertuples()
    assert pd.isna(free.selection_state) and free.verdict_corrected is None


def test_the_rule_looks_at_the_better_direction(retained, retention_side):
    rule = {"pilot_selection": "estimate_above", "selection_value": 0.5}
    up = retained([retention_side(0.9, 0.3, 0.6, 0.1)], analysis=rule).iloc[0]
    fewer = ({"direction": "lower_is_better"},)
    down = retained([retention_side(-0.9, 0.3, -0.6, 0.1)], fewer, analysis=rule).iloc[0]
    assert down.pilot_corrected_estimate == pytest.approx(-up.pilot_corrected_estimate)
    assert down.pilot_corrected_low == pytest.approx(-up.pilot_corrected_high)
    assert down.verdict_corrected == up.verdict_corrected


def drawn(theta: float, ratio: float, count: int) -> list[tuple[float, float]]:
    """Pilots of standard error 1 that were significant at 5%; scaled effects of 0.3."""
    rng = np.random.default_rng()
    a = rng.normal(theta, 1, 40 * count)
    a = a[np.abs(a) > stats.norm.ppf(0.975)][:count]
    return list(zip(a, rng.normal(ratio * theta, 0.3, len(a)), strict=True))


@pytest.mark.parametrize("theta", [1.0, 2.0, 4.0])
def test_conditional_intervals_hold_the_truth_95_times_in_100_among_selected_pilots(
    retained, retention_side, theta
):
    ratio = 0.5
    sides = [
        retention_side(a, 1.0, b, 0.3, analysis=f"p{i}") for i, (a, b) in enumerate(drawn(theta, ratio, 1500))
    ]
    rows = retained(sides, analysis=TWO_SIDED)
    told = rows[rows.selection_state == "corrected"]
    assert len(told) == len(rows) == 1500
    holds = (told.pilot_corrected_low <= theta) & (theta <= told.pilot_corrected_high)
    assert holds.mean() == pytest.approx(0.95, abs=0.025)
    assert (told.pilot_corrected_estimate < theta).mean() == pytest.approx(0.5, abs=0.055)
    # at the margin exactly, kept and lost are each claimed 5 times in 100 and no more
    assert (told.verdict_corrected == "held").mean() < 0.07
    assert told.verdict_corrected.str.startswith("faded").mean() < 0.07
    bounded = told[told.retention_corrected_set == "bounded"]
    missed = (bounded.retention_corrected_low > ratio) | (bounded.retention_corrected_high < ratio)
    assert missed.sum() / len(told) < 0.075


def test_the_corrected_verdict_has_a_family_of_its_own(retained, retention_side):
    sides = [retention_side(0.9, 0.3, 0.9, 0.05, indicator=name) for name in "ab"]
    indicators = tuple({"indicator": name} for name in "ab")
    rows = retained(sides, indicators, analysis=TWO_SIDED)
    assert (rows.p_claim_holm_corrected >= rows.p_claim_corrected).all()
    assert (rows.p_claim_corrected > rows.p_claim).all(), "selection weakens what the pilot shows"
