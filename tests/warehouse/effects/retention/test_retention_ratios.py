"""Every interval of a retention equals its reference under its own name, and what has no answer says so."""

import math
from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from ingestion.simulate.coverage.printed import figures


def close(values: list[float], expected: list[float]) -> None:
    assert values == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_every_number_of_the_reference_is_a_column_of_its_own(retained, retention_side, retention_reference):
    sides = [
        retention_side(
            *(case["input"][key] for key in ("pilot", "se_pilot", "scale", "se_scale")), analysis=name
        )
        for name, case in retention_reference.items()
    ]
    rows = {margin: retained(sides, ({"retention_margin": margin},)) for margin in (0.5, 0.8, 1.0)}
    assert len(rows[1.0]) == len(retention_reference) >= 126
    for row in rows[0.5].itertuples():
        known = retention_reference[row.analysis]["expected"]
        close([row.ratio, row.voltage_drop], [known["ratio"], known["voltage_drop"]])
        close([row.ratio_delta_se, row.fieller_g_normal], [known["delta_se"], known["fieller_g"]])
        close([row.ratio_low_delta_normal, row.ratio_high_delta_normal], known["delta_ci"])
        assert row.retention_shape_normal == known["fieller"]["type"]
        if known["fieller"]["type"] == "bounded":
            close([row.retention_low_normal, row.retention_high_normal], known["fieller"]["ci"])
        if known["fieller"]["type"] == "complement":
            excluded = [row.retention_excluded_low_normal, row.retention_excluded_high_normal]
            close(excluded, known["fieller"]["excluded_interval"])
        if known["log_ratio"]:
            close(
                [row.log_ratio, row.log_ratio_se], [known["log_ratio"]["log_ratio"], known["log_ratio"]["se"]]
            )
            close([row.ratio_low_log_normal, row.ratio_high_log_normal], known["log_ratio"]["ci_ratio"])
        else:
            assert pd.isna(row.log_ratio), "effects of two signs have no logarithm"
        close([row.change, row.change_se], [known["difference"], known["se_difference"]])
        close([row.p_change_normal], [known["p_difference"]])
        close([row.change_low_normal, row.change_high_normal], known["ci_difference"])
        again = known["original_in_replication_prediction_interval"]
        close([row.replication_low_normal, row.replication_high_normal], again["pi"])
        assert row.is_replicated_normal == again["scale_inside"]
    for margin, frame in rows.items():
        for row in frame.itertuples():
            listed = retention_reference[row.analysis]["expected"]["noninferiority_contrasts"]
            (known,) = (contrast for contrast in listed if contrast["m"] == margin)
            close([row.contrast, row.contrast_se], [known["contrast"], known["se"]])
            close([row.p_kept_normal], [known["p_one_sided_gt"]])
            close([row.share_of_draws_kept_normal_pct], [100 * (1 - known["p_one_sided_gt"])])


def test_the_share_of_draws_is_what_drawing_would_give(retained, retention_side):
    sides = [
        retention_side(1.0, 0.3, 0.6, 0.2, analysis="both_few", pilot_df=4.0, scaled_df=7.0),
        retention_side(1.0, 0.02, 0.6, 0.4, analysis="one_normal", pilot_df=inf, scaled_df=3.0),
        retention_side(1.0, 0.3, 0.6, 0.2, analysis="normal"),
    ]
    rows = retained(sides).set_index("analysis")
    rng = np.random.default_rng()
    for name, dfs in {"both_few": (4, 7), "one_normal": (1e9, 3), "normal": (1e9, 1e9)}.items():
        row = rows.loc[name]
        a = row.pilot_estimate + row.pilot_se * rng.standard_t(dfs[0], 400_000)
        b = row.scaled_estimate + row.scaled_se * rng.standard_t(dfs[1], 400_000)
        assert row.share_of_draws_kept_pct == pytest.approx(100 * (b >= 0.5 * a).mean(), abs=0.5)
    assert rows.loc["normal"].share_of_draws_kept_pct == pytest.approx(
        rows.loc["normal"].share_of_draws_kept_normal_pct, rel=1e-10
    )


def test_fewer_is_better_keeps_the_share_of_draws_and_turns_no_published_sign(retained, retention_side):
    up = retained([retention_side(1.0, 0.2, 0.6, 0.1)]).iloc[0]
    down = retained([retention_side(-1.0, 0.2, -0.6, 0.1)], ({"direction": "lower_is_better"},)).iloc[0]
    assert down.share_of_draws_kept_pct == pytest.approx(up.share_of_draws_kept_pct)
    assert (down.retention, down.change) == pytest.approx((up.retention, -up.change))


HOPELESS = [
    ({"pilot_estimate": 0.0}, "not_estimable"),
    ({"pilot_estimate": 1e-300}, "not_estimable"),
    ({"pilot_estimate": -1e-12, "scaled_estimate": 0.0}, "not_estimable"),
    ({"scaled_estimate": 0.0}, "bounded"),
    ({"pilot_estimate": None, "pilot_se": None, "pilot_df": None, "is_complete": False}, "not_applicable"),
    ({"pilot_se": 0.0, "is_complete": False}, "not_applicable"),
    ({"scaled_se": -1.0, "is_complete": False}, "not_applicable"),
]


@pytest.mark.parametrize(("columns", "kind"), HOPELESS)
def test_no_input_gives_a_number_beyond_numbers(retained, retention_side, columns, kind):
    (row,) = retained([retention_side(1.0, 0.1, 0.6, 0.1, 9.0, **columns)]).to_dict("records")
    assert row["retention_set"] == kind
    if kind != "bounded":
        assert pd.isna(row["retention"])
    unbounded = {name for name, value in row.items() if isinstance(value, float) and math.isinf(value)}
    assert not {name for name in unbounded if not name.endswith("_df")}
    assert row["verdict"] is not None and row["verdict_words"] is not None
    if columns.get("is_complete") is False:
        assert (row["verdict"], pd.isna(row["p_claim"])) == ("inconclusive", True)
        assert "no effect with a standard error" in row["why"]


BARS = [
    ({"pilot_incomparable": 3}, {}, "not_comparable", "no pilot site asked"),
    ({"scaled_incomparable": 2, "scaled_unidentified": 1}, {}, "not_comparable", "no scaled site asked"),
    ({"design_group": None, "scaled_designs": "non_randomised"}, {}, "not_comparable", "non_randomised"),
    ({}, {"is_descriptive": True}, "not_applicable", "descriptive"),
]


@pytest.mark.parametrize(("columns", "indicator", "verdict", "why"), BARS)
def test_sides_that_do_not_estimate_the_same_get_no_verdict(
    retained, retention_side, columns, indicator, verdict, why
):
    (row,) = retained([retention_side(1.0, 0.01, 1.0, 0.01, 50.0, **columns)], (indicator,)).itertuples()
    assert row.verdict == verdict
    assert why in row.why


def test_held_on_average_is_not_held_everywhere_where_the_next_site_may_fall_short(retained, retention_side):
    strong = {"scaled_site_count": 12, "scaled_pi_hts_high": 2.0, "scaled_p_next_above_smallest": 0.9}
    bounds = {"wide": (-0.2, 12), "narrow": (0.4, 12), "few": (-0.2, 9)}
    sides = [
        retention_side(
            1.0, 0.05, 0.9, 0.05, analysis=name, **strong | {"scaled_pi_hts_low": low, "scaled_site_count": k}
        )
        for name, (low, k) in bounds.items()
    ]
    rows = retained(sides).set_index("analysis")
    assert rows.portability.to_dict() == {"wide": "not_everywhere", "narrow": "everywhere", "few": "not_told"}
    assert "held on average, not everywhere" in rows.loc["wide"].verdict_words
    assert "everywhere" not in rows.loc["narrow"].verdict_words
    assert pd.isna(rows.loc["few"].p_next_site_above_smallest)


def test_a_verdict_whose_like_was_often_wrong_carries_a_caution(retained, retention_side):
    faded = retention_side(1.0, 0.02, 0.1, 0.02)
    assert pd.isna(retained([faded]).caution[0])
    by_sites = {
        pilots: retained([faded | {"pilot_site_count": pilots, "estimator": estimator}]).caution[0]
        for pilots, estimator in ((1, "equal_mean"), (2, "equal_mean"), (4, "reml_hksj_truncated"))
    }
    assert (
        "one site on a side" in by_sites[1] and f"up to {measured('one_site', 'faded')} times" in by_sites[1]
    )
    assert (
        "two sites on a side" in by_sites[2]
        and f"up to {measured('two_sites', 'faded')} times" in by_sites[2]
    )
    assert pd.isna(by_sites[4]) == (measured("three_or_four_sites", "faded") <= 10)
    selected = retained([faded], analysis={"pilot_selection": "significant"}).caution[0]
    assert (
        f"see the corrected verdict: faded was wrong up to {measured('selected', 'faded')} times" in selected
    )
    assert pd.isna(retained([retention_side(1.0, 0.5, 0.5, 0.5, pilot_site_count=1)]).caution[0]), (
        "claims nothing"
    )
    network = faded | {"pilot_site_count": 1, "estimator": "network"}
    assert pd.isna(retained([network]).caution[0]), "all sites as one trial"


def measured(condition: str, claim: str) -> int:
    """What the stored study measured, in whole percent."""
    (rate,) = (
        row["wrong_pct"]
        for row in figures(pl.read_csv(Path("docs/coverage.csv")))
        if (row["condition"], row["claim"]) == (condition, claim)
    )
    return round(rate)


def test_intervals_in_t_are_wider_than_in_normal_quantiles(retained, retention_side):
    (row,) = retained([retention_side(1.0, 0.1, 0.6, 0.1, 6.0)]).itertuples()
    q = stats.t.ppf(0.975, 6)
    assert row.ratio_high_delta == pytest.approx(0.6 + q * (0.01 + 0.36 * 0.01) ** 0.5)
    assert row.ratio_low_log == pytest.approx(0.6 * math.exp(-q * (0.01 / 0.36 + 0.01) ** 0.5))
    assert row.replication_low < row.replication_low_normal
    assert row.fieller_g == pytest.approx((q * 0.1) ** 2)
