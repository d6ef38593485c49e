"""No verdict that withheld sites could change: they are restored where they can be, else bounded."""

from typing import Any

import pandas as pd
import pytest

STAGES = {f"pilot_{i}": "pilot" for i in range(2)} | {f"scaled_{i}": "scaled" for i in range(4)}
EFFECTS = dict.fromkeys(STAGES, 50)
CLUSTERS, PEOPLE = 8, 4
# residuals of clusters that leave every arm's mean where it is
NOISE = (-2, -1, 1, 2)


def people(effects: dict[str, int]) -> pd.DataFrame:
    """Eight clusters of four people a site, half of them treated, every site with its own effect."""
    rows = [
        {
            "unit_key": f"{site}_{c}_{p}",
            "site": site,
            "arm": "treatment" if c % 2 else "control",
            "cluster_id": f"c{c}",
            "value_steps": 1000 + NOISE[c // 2] + (effect if c % 2 else 0),
        }
        for site, effect in effects.items()
        for c in range(CLUSTERS)
        for p in range(PEOPLE)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def judged(effects_warehouse):
    """Builds effects and verdicts where these sites are withheld, each with its verdict of quality."""

    def built(withheld: dict[str, str], effects: dict[str, int] = EFFECTS, **indicator: object) -> Any:
        warehouse = effects_warehouse()
        analysis = {"adjust": "none", "inference": "these_sites"}
        warehouse.programme(STAGES, indicators=(indicator,), analyses=(analysis,))
        for site, verdict in withheld.items():
            warehouse.connection.execute(
                "update quality.admission set verdict = ?, is_admitted = false, reason = 'x' where site = ?",
                [verdict, site],
            )
        warehouse.units(people(effects))
        warehouse.build("moments", "fits", "effects", "retention")
        return warehouse

    return built


def retention(warehouse: Any) -> Any:
    (row,) = warehouse.rows("from effects.int_effect_retention").itertuples()
    return row


def pool(warehouse: Any, stage: str = "scaled") -> Any:
    query = f"from effects.int_withheld_pools where stage = '{stage}' and estimator = 'equal_mean'"
    (row,) = warehouse.rows(query).itertuples()
    return row


def test_nothing_withheld_changes_nothing(judged):
    warehouse = judged({})
    row = retention(warehouse)
    assert (row.verdict, row.verdict_if_restored) == ("held", None)
    assert warehouse.rows("from effects.int_withheld_pools").empty
    assert warehouse.rows("from effects.int_withheld_verdicts").empty


def test_a_restored_site_counts_beside_the_others_and_stays_out_of_what_is_shown(judged):
    warehouse = judged({"scaled_3": "fail"}, EFFECTS | {"scaled_3": 30})
    row, found = retention(warehouse), pool(warehouse)
    assert row.scaled_estimate == pytest.approx(50)
    assert (found.withheld_count, found.restored_count, found.bounded_count) == (1, 1, 0)
    assert (found.withheld_site_pct, found.unit_count, found.withheld_unit_count) == (25, 128, 32)
    assert found.estimate_if_restored == pytest.approx((3 * 50 + 30) / 4)
    # two arms of four clusters: variance (4 + 1 + 1 + 4) / (3 x 4) each
    (shown,) = warehouse.rows("select scaled_se from effects.int_effect_retention").itertuples()
    variance = 3 * (shown.scaled_se * 3) ** 2 / 3
    assert found.se_if_restored == pytest.approx(((variance + 2 * 10 / 12) / 16) ** 0.5)
    assert (row.verdict, row.verdict_if_restored) == ("held", "held")
    estimated = warehouse.rows("select site from effects.int_site_effects where estimate is not null")
    assert "scaled_3" not in set(estimated.site)


def test_a_restored_site_that_turns_the_claim_makes_it_inconclusive(judged):
    row = retention(judged({"scaled_3": "fail"}, EFFECTS | {"scaled_3": -300}))
    assert row.verdict == "inconclusive"
    assert row.verdict_if_restored not in ("held", None)
    assert "withheld sites could change it: without them it is held" in row.why


@pytest.mark.parametrize(("scale_max", "verdict"), [(20, "held"), (1000, "inconclusive")])
def test_a_corrupt_site_is_bounded_by_what_the_scale_allows_and_never_read(judged, scale_max, verdict):
    warehouse = judged({"scaled_3": "error"}, scale_min=0.0, scale_max=float(scale_max))
    row, found = retention(warehouse), pool(warehouse)
    assert (found.restored_count, found.bounded_count, found.bounded_share) == (0, 1, 0.25)
    assert (found.span, found.estimate_if_restored) == (scale_max, pytest.approx(50))
    assert (row.verdict, row.verdict_if_restored) == (verdict, "held")


def test_a_stage_withheld_whole_has_no_effect_and_no_verdict(judged):
    warehouse = judged({site: "error" for site, stage in STAGES.items() if stage == "scaled"})
    assert pool(warehouse).withheld_site_pct == 100
    assert retention(warehouse).verdict == "inconclusive"
