"""From the frame to the verdict in one warehouse: every site has an effect or the reason why it has none."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

STAGES = {f"pilot_{i}": "pilot" for i in range(4)} | {f"scaled_{i}": "scaled" for i in range(5)}


def trial(sites: list[str], clusters: int = 5, people: int = 6, seed: int = 4) -> pd.DataFrame:
    """Clusters of people at every site, half of the clusters treated; effect 50 at pilots and 30 at scale."""
    rng = np.random.default_rng(seed)
    index = np.arange(len(sites) * 2 * clusters * people)
    site = np.array(sites)[index // (2 * clusters * people)]
    cluster = index // people % (2 * clusters)
    treated = cluster % 2 == 1
    effect = np.where(np.char.startswith(site, "pilot"), 50, 30)
    return pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in index],
            "site": site,
            "arm": np.where(treated, "treatment", "control"),
            "cluster_id": [f"{s}:{c}" for s, c in zip(site, cluster, strict=True)],
            "value_steps": np.rint(1000 + rng.normal(0, 8, index.size) + effect * treated).astype(int),
        }
    )


@pytest.fixture
def built(effects_warehouse):
    def build(units: pd.DataFrame, change: str = "select 1", stages=STAGES, **programme):
        warehouse = effects_warehouse()
        warehouse.programme(stages, **programme)
        warehouse.units(units)
        warehouse.connection.execute(change)
        warehouse.build("moments", "fits", "effects", "retention")
        return warehouse

    return build


def only(warehouse, table: str, where: str = "true"):
    return next(warehouse.rows(f"from effects.{table} where {where}").itertuples())


HEADLINE = "is_headline and dimension = 'all'"


def test_a_whole_programme_reaches_its_verdict(built):
    warehouse = built(trial([*STAGES]))
    pools = warehouse.rows(f"from effects.int_pooled_effects where {HEADLINE}").set_index("stage")
    assert pools.site_count.to_dict() == {"pilot": 4, "scaled": 5, "all": 9}
    near = {"pilot": 50, "scaled": 30, "all": 39}
    assert pools.estimate.to_dict() == {stage: pytest.approx(effect, abs=5) for stage, effect in near.items()}
    row = only(warehouse, "int_effect_retention")
    assert (row.verdict, row.change_verdict, row.estimator) == ("held", "attenuated", "reml_hksj_truncated")
    assert row.retention == pytest.approx(0.6, abs=0.1)


def test_a_withheld_site_leaves_its_reason_and_no_number(built):
    change = (
        "update quality.admission set is_admitted = false, reason = 'too few answers' where site = 'scaled_0'"
    )
    warehouse = built(trial([*STAGES]), change)
    row = only(warehouse, "int_site_effects", "site = 'scaled_0'")
    assert (row.state, row.estimator, row.why_missing) == ("withheld", "none", "too few answers")
    assert pd.isna([row.estimate, row.n_treatment]).all()
    pool = only(warehouse, "int_pooled_effects", f"stage = 'scaled' and {HEADLINE}")
    assert (pool.site_count, pool.withheld_sites) == (4, "scaled_0: too few answers")


def test_a_cell_that_no_gate_judged_is_withheld(built):
    warehouse = built(trial([*STAGES]), "delete from quality.admission where site = 'pilot_0'")
    assert (
        only(warehouse, "int_site_effects", "site = 'pilot_0'").why_missing
        == "no verdict of quality was given"
    )


def test_stages_of_fewer_than_three_sites_make_both_sides_speak_of_these_sites(built):
    stages = {name: stage for name, stage in STAGES.items() if name not in ("pilot_2", "pilot_3")}
    row = only(built(trial([*stages]), stages=stages), "int_effect_retention")
    assert (row.estimator, row.pilot_site_count, row.scaled_site_count) == ("equal_mean", 2, 5)


def test_an_open_wave_anywhere_gives_no_effect_anywhere(built):
    warehouse = built(
        trial([*STAGES]), "update registry.site_waves set state = 'in_field' where site = 'scaled_4'"
    )
    assert set(warehouse.rows("from effects.int_site_effects").state) == {"interim"}
    assert warehouse.rows("from effects.int_pooled_effects").estimate.isna().all()
    assert only(warehouse, "int_effect_retention").verdict == "interim"


def test_too_few_clusters_give_a_flag_and_one_cluster_an_arm_no_error(built):
    units = trial([*STAGES])
    number = units.cluster_id.str.split(":").str[1].astype(int)
    few = (units.site != "pilot_0") | (number < 4)
    one = (units.site != "pilot_1") | (number < 2)
    warehouse = built(units[few & one])
    flagged, bare = (
        only(warehouse, "int_site_effects", f"site = '{s}' and {HEADLINE}") for s in ("pilot_0", "pilot_1")
    )
    assert (flagged.state, flagged.clusters_treatment) == ("too_few_clusters", 2)
    assert flagged.estimate_se > 0
    assert (bare.state, bare.clusters_control) == ("no_standard_error", 1)
    assert bare.estimate == pytest.approx(50, abs=20)
    assert pd.isna([bare.estimate_se, bare.df, bare.p_value]).all()
    assert only(warehouse, "int_pooled_effects", f"stage = 'pilot' and {HEADLINE}").site_count == 3


def test_an_arm_without_units_or_a_site_without_any_says_so(built):
    units = trial([*STAGES])
    gone = (units.site == "pilot_0") | ((units.site == "pilot_1") & (units.arm == "treatment"))
    warehouse = built(units[~gone])
    whys = {s: only(warehouse, "int_site_effects", f"site = '{s}'") for s in ("pilot_0", "pilot_1")}
    assert {row.state for row in whys.values()} == {"no_data"}
    assert whys["pilot_0"].why_missing == "no unit of the contrast was measured"
    assert whys["pilot_1"].why_missing == "one arm has no measured unit"


def test_a_design_that_identifies_no_effect_never_gives_one(built):
    warehouse = built(
        trial([*STAGES]), "update registry.sites set design = 'pre_post' where site like 'pilot%'"
    )
    states = warehouse.rows("from effects.int_site_effects where site like 'pilot%'").state
    assert set(states) == {"not_identified"}
    assert only(warehouse, "int_effect_retention").verdict == "not_identified"


def test_without_a_pilot_all_sites_pool_together_and_retention_does_not_apply(built):
    stages = {name: "scaled" for name in STAGES}
    warehouse = built(trial([*stages]), stages=stages)
    assert set(warehouse.rows("from effects.int_pooled_effects").stage) == {"all"}
    row = only(warehouse, "int_effect_retention")
    assert (row.verdict, row.why) == ("not_applicable", "no pilot site")


def test_the_stage_is_the_one_in_force_when_treatment_started(built):
    change = "insert into registry.site_stages values ('pilot_0', 'scaled', date '2025-01-01')"
    assert only(built(trial([*STAGES]), change), "int_site_effects", "site = 'pilot_0'").stage == "pilot"


def test_a_network_of_pilots_and_of_scaled_sites_gives_each_side_one_trial(built):
    warehouse = built(trial([*STAGES]), analyses=[{"level": "network", "adjust": "site"}])
    effects = warehouse.rows(f"from effects.int_site_effects where {HEADLINE}")
    assert sorted(zip(effects.site, effects.stage, effects.clusters_treatment, strict=True)) == [
        ("network", "pilot", 20),
        ("network", "scaled", 25),
    ]
    row = only(warehouse, "int_effect_retention")
    assert (row.estimator, row.verdict, row.pilot_site_count) == ("network", "held", 4)


def test_clusters_that_reach_across_blocks_get_no_standard_error(built):
    units = trial(["pilot_0"]).assign(block_id=lambda u: np.where(u.index % 2 == 0, "b1", "b2"))
    row = only(built(units, stages={"pilot_0": "pilot"}), "int_site_effects", HEADLINE)
    assert row.state == "no_standard_error"


def test_a_cluster_trial_whose_frame_names_no_cluster_gets_no_standard_error(built):
    units = trial(["pilot_0"]).drop(columns="cluster_id")
    row = only(built(units, stages={"pilot_0": "pilot"}), "int_site_effects", HEADLINE)
    assert (row.state, row.clusters_treatment) == ("no_standard_error", 1)


def test_shares_are_compared_in_percentage_points_and_rates_per_exposure(built):
    units = trial(["pilot_0"])
    share = units.assign(value_steps=(units.value_steps > 1000).astype(int))
    indicator = {"statistic": "share", "effect_scale": "risk_difference", "resolution": Decimal(100)}
    warehouse = built(share, stages={"pilot_0": "pilot"}, indicators=[indicator])
    row = only(warehouse, "int_site_effects", "is_headline")
    means = share.groupby("arm").value_steps.mean() * 100
    assert (row.measure, row.estimate) == (
        "risk_difference",
        pytest.approx(means["treatment"] - means["control"]),
    )
    rates = units.assign(exposure_steps=lambda u: (u.index % 3 + 1) * 1_000_000)
    warehouse = built(rates, stages={"pilot_0": "pilot"}, indicators=[{"statistic": "rate"}])
    row = only(warehouse, "int_site_effects", "is_headline")
    sums = rates.groupby("arm")[["value_steps", "exposure_steps"]].sum()
    ratio = sums.value_steps / (sums.exposure_steps / 1e6)
    assert row.estimate == pytest.approx(ratio["treatment"] - ratio["control"])
    assert row.estimate_se > 0
    assert pd.isna(row.sd_control)


def test_neither_threads_nor_the_order_of_rows_change_a_byte_of_any_effect(effects_warehouse):
    units = trial([*STAGES], clusters=40, people=30)
    tables = []
    for threads, rows in ((1, units), (2, units.sample(frac=1, random_state=1))):
        warehouse = effects_warehouse(threads)
        warehouse.programme(STAGES)
        warehouse.units(rows)
        warehouse.build("moments", "fits", "effects", "retention")
        names = ("int_robust_fits", "int_site_effects", "int_pooled_effects", "int_effect_retention")
        tables.append([warehouse.connection.execute(f"from effects.{name}").fetchall() for name in names])
    assert repr(tables[0]) == repr(tables[1])
