"""Retention, its intervals and the verdict: equal to the reference, never more than evidence allows."""

import pandas as pd
import pytest
from scipy import stats


def reference_sides(retention_side, cases: dict[str, dict]) -> list[dict]:
    return [
        retention_side(
            *(case["input"][key] for key in ("pilot", "se_pilot", "scale", "se_scale")), analysis=name
        )
        for name, case in cases.items()
    ]


def test_ratio_fieller_set_change_and_contrast_equal_the_reference(retained, retention_side, reference):
    cases = {name: case for name, case in reference("retention").items() if "ratio" in case["expected"]}
    rows = {
        margin: retained(reference_sides(retention_side, cases), ({"retention_margin": margin},))
        for margin in (0.5, 0.8)
    }
    assert len(cases) == 126
    for margin, row in ((m, row) for m, frame in rows.items() for row in frame.itertuples()):
        expected = cases[row.analysis]["expected"]
        is_bounded = expected["fieller"]["type"] == "bounded"
        assert row.retention_set == ("bounded" if is_bounded else "not_estimable"), row.analysis
        numbers = [row.retention, row.retention_low, row.retention_high, row.retention_low_normal]
        if is_bounded:
            low, high = expected["fieller"]["ci"]
            assert numbers == pytest.approx([expected["ratio"], low, high, low], rel=1e-9, abs=1e-12), (
                row.analysis
            )
        else:
            assert pd.isna(numbers).all(), "a set without bounds prints no number"
        assert [row.change, row.change_se, row.change_low, row.change_high] == pytest.approx(
            [expected["difference"], expected["se_difference"], *expected["ci_difference"]],
            rel=1e-9,
            abs=1e-12,
        ), row.analysis
        (contrast,) = (known for known in expected["noninferiority_contrasts"] if known["m"] == margin)
        assert [row.contrast, row.contrast_se] == pytest.approx(
            [contrast["contrast"], contrast["se"]], rel=1e-9, abs=1e-12
        ), row.analysis


def test_every_known_pair_gets_its_known_verdict(retained, retention_side, reference):
    cases = {name: case for name, case in reference("retention").items() if case["expected"]["verdict"]}
    rows = retained(reference_sides(retention_side, cases))
    assert len(cases) == 131
    assert dict(zip(rows.analysis, rows.verdict, strict=True)) == {
        name: case["expected"]["verdict"] for name, case in cases.items()
    }


def test_finite_degrees_of_freedom_widen_every_interval(retained, retention_side):
    (row,) = retained([retention_side(1.0, 0.2, 0.6, 0.1, pilot_df=6.0, scaled_df=9.0)]).itertuples()
    q = stats.t.ppf(0.975, 6)
    a, b, c = 1 - q**2 * 0.04, 0.6, 0.36 - q**2 * 0.01
    assert row.retention_low == pytest.approx((b - (b * b - a * c) ** 0.5) / a)
    assert row.retention_low < row.retention_low_normal < row.retention_high_normal < row.retention_high
    df = (0.01 + 0.04) ** 2 / (0.01**2 / 9 + 0.04**2 / 6)
    assert row.change_df == pytest.approx(df)
    assert row.change_high == pytest.approx(-0.4 + stats.t.ppf(0.975, df) * 0.05**0.5)
    assert row.contrast_df == pytest.approx((0.01 + 0.01) ** 2 / (0.01**2 / 9 + 0.01**2 / 6))


def test_held_names_its_margin_and_stands_beside_the_change(retained, retention_side):
    strong = retention_side(1.0, 0.02, 0.6, 0.02)
    (half,) = retained([strong]).itertuples()
    assert (half.verdict, half.change_verdict) == ("held", "attenuated")
    assert half.verdict_words == "kept at least half; change: attenuated"
    (most,) = retained([retention_side(1.0, 0.02, 1.0, 0.02)], ({"retention_margin": 0.8},)).itertuples()
    assert most.verdict_words == "kept at least 80%; change: none detectable"


def test_the_registered_direction_orients_never_the_observed_sign(retained, retention_side):
    harmful = retention_side(-1.0, 0.1, -1.0, 0.1)
    assert retained([harmful]).verdict.tolist() == ["reversed"]
    assert retained([retention_side(-1.0, 0.1, 0.1, 0.1)]).verdict.tolist() == ["not_established"]
    (lowered,) = retained([harmful], ({"direction": "lower_is_better"},)).itertuples()
    assert (lowered.verdict, lowered.retention) == ("held", pytest.approx(1))
    (worse,) = retained(
        [retention_side(-1.0, 0.1, -0.2, 0.1)], ({"direction": "lower_is_better"},)
    ).itertuples()
    assert worse.change_verdict == "attenuated"
    assert worse.change == pytest.approx(0.8)


def test_not_significant_at_scale_alone_is_never_faded(retained, retention_side):
    assert retained([retention_side(1.0, 0.1, 0.3, 0.3)]).verdict.tolist() == ["inconclusive"]


def test_a_claim_that_does_not_survive_holm_is_inconclusive_and_says_so(retained, retention_side):
    weak = retention_side(1.0, 0.4, 1.0, 0.1)  # established at p = 0.012
    indicators = tuple(
        {"indicator": name, "role": role}
        for name, role in zip("abcdef", ["primary"] * 5 + ["exploratory"], strict=True)
    )
    sides = [weak | {"indicator": "a"}, weak | {"indicator": "f"}]
    sides += [retention_side(0.1, 1.0, 0.1, 1.0, indicator=name) for name in "bcde"]
    rows = retained(sides, indicators).set_index("indicator")
    assert retained([weak]).verdict.tolist() == ["held"]
    assert rows.loc["a"].p_claim_holm == pytest.approx(5 * rows.loc["a"].p_claim)
    assert rows.loc["a"].verdict == "inconclusive"
    assert "held does not survive" in rows.loc["a"].why
    assert (rows.loc["b"].verdict, rows.loc["b"].p_claim_holm) == ("not_established", 1)
    assert rows.loc["f"].verdict == "held", "exploratory indicators stand outside the family"
    assert pd.isna(rows.loc["f"].p_claim_holm)


def test_a_claim_s_p_value_is_its_weakest_bound_on_a_common_scale(retained, retention_side):
    (row,) = retained([retention_side(1.0, 0.4, 1.0, 0.1)]).itertuples()
    bounds = [2 * stats.norm.sf(1 / 0.4), 2 * stats.norm.sf(10), stats.norm.sf(0.5 / (0.01 + 0.04) ** 0.5)]
    assert row.p_claim == pytest.approx(max(bounds))


BARRED = [
    ({"pilot_registered": 0}, "not_applicable", "no pilot site"),
    ({"scaled_registered": 0}, "not_applicable", "no scaled site"),
    ({"wave": "baseline"}, "not_applicable", "imbalance"),
    ({"is_interim": True}, "interim", "not closed"),
    ({"scaled_measured": 0}, "not_comparable", "does not measure"),
    ({"pilot_unidentified": 3}, "not_identified", "no randomised comparison"),
    ({"is_complete": False, "estimator": "eligible_weighted_mean"}, "not_comparable", "eligible people"),
    ({"is_complete": False}, "inconclusive", "no effect with a standard error"),
    ({"estimator": "equal_mean", "pilot_df": 3.9}, "inconclusive", "too_few_clusters"),
    ({"estimator": "network", "scaled_df": 2.0}, "inconclusive", "too_few_clusters"),
    ({"scaled_median_site_df": 2.9}, "inconclusive", "too_few_clusters"),
]


@pytest.mark.parametrize(("columns", "verdict", "why"), BARRED)
def test_what_bars_a_verdict_is_named_whatever_the_numbers_say(
    retained, retention_side, columns, verdict, why
):
    (row,) = retained([retention_side(1.0, 0.01, 1.0, 0.01, 50.0, **columns)]).itertuples()
    assert (row.verdict, pd.isna(row.p_claim)) == (verdict, True)
    assert why in row.why


def test_four_sites_suffice_for_a_population_since_their_t_counts_sites_not_clusters(
    retained, retention_side
):
    assert retained([retention_side(1.0, 0.01, 1.0, 0.01, 3.0)]).verdict.tolist() == ["held"]


@pytest.mark.parametrize(
    "columns",
    [
        {"pilot_median_site_df": 3.0, "scaled_median_site_df": 3.0},
        {"estimator": "equal_mean", "pilot_median_site_df": 2.0},
    ],
)
def test_errors_known_well_enough_or_used_as_no_weights_bar_nothing(retained, retention_side, columns):
    assert retained([retention_side(1.0, 0.01, 1.0, 0.01, 50.0, **columns)]).verdict.tolist() == ["held"]


def test_a_pilot_chosen_for_its_significance_carries_a_warning(retained, retention_side):
    rows = retained([retention_side(1.0, 0.1, 1.0, 0.1)], analysis={"pilot_selection": "significant"})
    assert "overstated" in rows.why[0]
