"""Sites that send moments or a published effect instead of people: the same numbers, and no more."""

import numpy as np
import pandas as pd
import pytest

SITES = {"alpha": "scaled", "beta": "scaled", "gamma": "pilot"}
FIT = ["estimate", "estimate_se", "df", "mean_treatment", "mean_control", "sd_control", "sd_pooled"]


def people(seed: int = 3, blocks: int = 1, clusters: int = 6) -> pd.DataFrame:
    """Units of every site in clusters of uneven size; values in whole steps."""
    chance = np.random.default_rng(seed)
    rows = []
    for site in SITES:
        for place in range(2 * clusters * blocks):
            arm = "treatment" if place % 2 else "control"
            level = chance.normal(50 + 6 * (place % 2), 4)
            for person in range(int(chance.integers(4, 12))):
                rows.append(
                    {
                        "site": site,
                        "unit_key": f"{site}-{place}-{person}",
                        "arm": arm,
                        "cluster_id": f"c{place}",
                        "block_id": f"b{place // 2 % blocks}" if blocks > 1 else None,
                        "value_steps": round(chance.normal(level, 9)),
                    }
                )
    return pd.DataFrame(rows)


def moments(units: pd.DataFrame, *by: str) -> pd.DataFrame:
    """The cells that a site would send: counts, means and deviations, written as decimals."""
    cells = units.groupby(["site", "arm", *by], dropna=False)["value_steps"].agg(["count", "mean", "std"])
    sent = cells.reset_index().rename(columns={"count": "n", "std": "sd"})
    for number in ("n", "mean", "sd"):
        sent[number] = sent[number].map(lambda value: None if pd.isna(value) else round(float(value), 12))
    return sent


def send(warehouse, units: pd.DataFrame, *by: str, **more: object) -> None:
    warehouse.connection.execute("update registry.expected_cells set basis = 'moments'")
    rows = moments(units, *by).assign(**more).to_dict("records")
    warehouse.insert("staging.stg_moments", rows)


OWN = "estimator <> 'two_sample_welch'"


def effects(warehouse, where: str = f"{OWN} and measure = 'difference'") -> pd.DataFrame:
    warehouse.build("moments", "fits", "int_site_effects")
    return warehouse.rows(f"select * from effects.int_site_effects where {where} order by all")


@pytest.mark.parametrize(("design", "by", "blocks"), [("cluster_rct", ("cluster_id",), 1), ("rct", (), 1)])
def test_moments_give_the_effects_that_the_people_behind_them_give(effects_warehouse, design, by, blocks):
    units = people(blocks=blocks)
    if design == "rct":
        units["cluster_id"] = None
    found = []
    for is_sent in (False, True):
        warehouse = effects_warehouse()
        warehouse.programme(SITES)
        warehouse.connection.execute(f"update registry.sites set design = '{design}'")
        send(warehouse, units, *by) if is_sent else warehouse.units(units)
        found.append(effects(warehouse, OWN))
    rows, sent = found
    assert len(rows) == len(sent) == 2 * len(SITES)
    assert set(sent["basis"]) == {"moments"} and set(rows["basis"]) == {"rows"}
    assert rows["estimator"].to_list() == sent["estimator"].to_list()
    assert rows["state"].to_list() == sent["state"].to_list()
    pd.testing.assert_frame_equal(rows[FIT], sent[FIT], rtol=1e-9, check_dtype=False)
    assert rows[["n_treatment", "n_control"]].equals(sent[["n_treatment", "n_control"]])


def test_a_cluster_trial_without_moments_of_clusters_gets_no_standard_error(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES)
    send(warehouse, people())
    found = effects(warehouse)
    assert found["estimate"].notna().all()
    assert found["estimate_se"].isna().all() and found["df"].isna().all()
    assert set(found["state"]) == {"no_standard_error"}
    assert found["why_missing"].str.contains("no moments of at least two clusters").all()


def test_a_cluster_robust_error_that_was_sent_stands_under_its_own_name(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES)
    send(warehouse, people(), effect_se=1.5, effect_df=9.0)
    found = effects(warehouse)
    assert set(found["estimator"]) == {"sent_cluster_robust"}
    assert found["estimate_se"].to_list() == pytest.approx([1.5] * 3, rel=1e-12)
    assert found["df"].to_list() == [9.0] * 3
    assert set(found["state"]) == {"estimated"}


def test_an_error_that_was_sent_does_not_displace_the_one_of_the_clusters(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES)
    send(warehouse, people(), "cluster_id", effect_se=0.1, effect_df=900.0)
    found = effects(warehouse)
    assert set(found["estimator"]) == {"cr2"}
    assert (found["estimate_se"] > 0.5).all()


def test_moments_that_contradict_themselves_are_in_no_sum(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES)
    send(warehouse, people(), "cluster_id", problem="a standard deviation is negative")
    assert set(effects(warehouse)["state"]) == {"no_data"}


def test_deviations_that_one_cell_lacks_leave_no_deviation_and_no_error_of_people(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES)
    warehouse.connection.execute("update registry.sites set design = 'rct'")
    units = people().assign(cluster_id=None)
    send(warehouse, units)
    warehouse.connection.execute(
        "update staging.stg_moments set sd = null where site = 'alpha' and arm = 'control'"
    )
    found = effects(warehouse).set_index("site")
    assert pd.isna(found.loc["alpha", "estimate_se"]) and pd.isna(found.loc["alpha", "sd_control"])
    assert found.loc["beta", "estimate_se"] > 0


def test_while_a_wave_is_open_the_arms_of_moments_are_pooled(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES)
    send(warehouse, people(), "cluster_id")
    warehouse.connection.execute("update registry.site_waves set state = 'in_field' where site = 'alpha'")
    found = effects(warehouse)
    assert set(found["state"]) == {"interim"} and found["estimate"].isna().all()
    arms = warehouse.rows("select distinct arm from moments.int_moments")
    assert arms["arm"].to_list() == ["pooled"]


def test_a_published_pilot_is_pooled_compared_and_marked(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES)
    units = people()
    warehouse.units(units[units["site"] != "gamma"])
    warehouse.connection.execute(
        "update registry.expected_cells set basis = 'estimates' where site = 'gamma'"
    )
    paper = {"site": "gamma", "measure": "difference", "estimate": 8.0, "estimate_se": 1.25, "df": 88.0}
    warehouse.insert("staging.stg_estimates", [paper | {"n": 90, "citation": "Doe 2019, table 2"}])
    warehouse.build("moments", "fits", "effects", "retention")
    row = warehouse.rows("select * from effects.int_site_effects where site = 'gamma'").iloc[0]
    assert (row["estimator"], row["basis"], row["citation"]) == (
        "published_estimate",
        "estimates",
        "Doe 2019, table 2",
    )
    assert (row["estimate"], row["estimate_se"], row["df"], row["n"]) == (8.0, 1.25, 88.0, 90)
    kept = warehouse.rows("select * from effects.int_effect_retention").iloc[0]
    assert kept["pilot_estimate"] == pytest.approx(8.0)
    assert kept["verdict"] not in ("not_applicable", "not_identified")


def test_a_published_effect_without_an_error_says_why_and_is_in_no_pool(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES)
    warehouse.connection.execute("update registry.expected_cells set basis = 'estimates'")
    paper = {"measure": "difference", "estimate": 8.0, "citation": "Doe 2019"}
    why = "a cluster trial published without degrees of freedom: no standard error"
    warehouse.insert("staging.stg_estimates", [paper | {"site": s, "why_no_error": why} for s in SITES])
    warehouse.build("moments", "fits", "effects")
    found = warehouse.rows("select * from effects.int_site_effects")
    assert set(found["state"]) == {"no_standard_error"} and set(found["why_missing"]) == {why}
    assert warehouse.rows("select max(site_count) as n from effects.int_pooled_effects")["n"].item() == 0


def test_a_published_effect_is_no_part_of_one_trial_over_all_sites(effects_warehouse):
    warehouse = effects_warehouse()
    warehouse.programme(SITES, analyses=[{"level": "network", "inference": "these_sites"}])
    units = people()
    warehouse.units(units[units["site"] != "gamma"])
    warehouse.connection.execute(
        "update registry.expected_cells set basis = 'estimates' where site = 'gamma'"
    )
    warehouse.build("moments")
    state = warehouse.rows("from effects.int_analysis_sites where site = 'gamma'").iloc[0]
    assert state["state"] == "not_identified" and "published estimate" in state["reason"]
