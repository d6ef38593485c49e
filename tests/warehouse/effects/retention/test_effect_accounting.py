"""The drop is accounted for in parts that add up to it, each with its reason where it cannot be told."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

CELLS = [(female, rural) for female in (0, 1) for rural in (0, 1)]
EFFECT = {(0, 0): 10, (0, 1): 30, (1, 0): 40, (1, 1): 90}


def population(stages: dict[str, str], slope: dict[str, float] | None = None, seed: int = 3) -> pd.DataFrame:
    """Sites of 12 clusters of 24 people in four cells; at scale more people are of the first cells."""
    rng = np.random.default_rng(seed)
    rows = []
    for site, stage in stages.items():
        shares = [3, 5, 7, 9] if stage == "pilot" else [9, 7, 5, 3]
        for cluster in range(12):
            cells = [cell for cell, count in zip(CELLS, shares, strict=True) for _ in range(count)]
            base = 1000 + rng.normal(0, 4)
            for place, cell in enumerate(cells):
                treated = cluster % 2
                effect = EFFECT[cell] + (slope or {}).get(site, 0)
                rows.append(
                    {
                        "unit_key": f"{site}{cluster}/{place}",
                        "site": site,
                        "arm": "treatment" if treated else "control",
                        "cluster_id": f"{site}:{cluster}",
                        "value_steps": round(base + rng.normal(0, 6) + treated * effect),
                        "female": str(cell[0]),
                        "rural": str(cell[1]),
                    }
                )
    return pd.DataFrame(rows)


@pytest.fixture
def accounted(effects_warehouse):
    def build(
        units: pd.DataFrame,
        stages: dict[str, str],
        traits: dict[str, dict[str, object]] | None = None,
        dimensions: tuple[str, ...] = ("female", "rural"),
        change: str = "select 1",
        **programme: object,
    ):
        warehouse = effects_warehouse()
        warehouse.programme(stages, **programme)
        warehouse.units(units.drop(columns=["female", "rural"]))
        warehouse.insert(
            "registry.indicator_subgroups", [{"indicator": "score", "dimension": name} for name in dimensions]
        )
        told = units.melt(["unit_key"], ["female", "rural"], "dimension", "level").assign(round="randomised")
        warehouse.insert("frame.int_subgroups", told.to_dict("records"))
        for site, known in (traits or {}).items():
            if "implementer" in known:
                named = [known["implementer"], site]
                warehouse.connection.execute(
                    "update registry.sites set implementer = ? where site = ?", named
                )
            if "fidelity" in known:
                row = {"site": site, "covariate": "fidelity_pct", "value": known["fidelity"]}
                warehouse.insert("registry.site_covariates", [row])
        warehouse.connection.execute(change)
        warehouse.build("moments", "fits", "effects", "retention", "accounting")
        return warehouse

    return build


def parts(warehouse) -> pd.DataFrame:
    return warehouse.rows("from effects.int_effect_accounting order by part_order").set_index("part")


def staged(pilots: int, scaled: int) -> dict[str, str]:
    return {f"pilot_{i:02}": "pilot" for i in range(pilots)} | {
        f"scaled_{i:02}": "scaled" for i in range(scaled)
    }


def test_composition_is_the_pilot_s_effect_at_the_scaled_population_s_shares(accounted):
    stages = staged(4, 5)
    units = population(stages)
    found = parts(accounted(units, stages))
    pilot = units[units.site.str.startswith("pilot")]
    means = pilot.groupby(["site", "female", "rural", "arm"]).value_steps.mean().unstack()
    cells = (means.treatment - means.control).groupby(["female", "rural"]).mean()
    moved = cells.mul(np.array([9 - 3, 7 - 5, 5 - 7, 3 - 9]) / 24).sum()
    assert found.loc["composition"].estimate == pytest.approx(moved)
    assert found.loc["composition"].estimate == pytest.approx(-500 / 24, abs=1)
    assert 0 < found.loc["composition"].estimate_se < 2
    listed = found.estimate.drop("change").fillna(0).sum()
    assert listed == pytest.approx(found.loc["change"].estimate, abs=1e-9)
    assert found.loc["fidelity"].why_missing == "not registered for every site"


def test_composition_s_error_is_that_of_its_clusters_over_all_cells_together(accounted):
    stages = staged(3, 3)
    units = population(stages)
    row = parts(accounted(units, stages)).loc["composition"]
    pilot = units[units.site.str.startswith("pilot")].copy()
    moved = dict(zip(CELLS, np.array([6, 2, -2, -6]) / 24, strict=True))
    pilot["move"] = [moved[int(f), int(r)] for f, r in zip(pilot.female, pilot.rural, strict=True)]
    arm = pilot.groupby(["site", "female", "rural", "arm"]).value_steps
    pilot["part"] = pilot.move * (pilot.value_steps - arm.transform("mean")) / arm.transform("size") / 3
    scores = pilot.groupby(["site", "cluster_id"]).part.sum() ** 2
    assert row.estimate_se**2 == pytest.approx(scores.groupby("site").sum().sum() * 12 / 11)
    assert row.df == 3 * 12 - 2 * 3


def test_fidelity_and_implementer_take_what_goes_with_them_within_stages(accounted):
    stages = staged(12, 18)
    rng = np.random.default_rng(11)
    fidelity = {s: (85 if stage == "pilot" else 65) + rng.normal(0, 6) for s, stage in stages.items()}
    public = {s: i % (3 if stage == "pilot" else 2) == 0 for i, (s, stage) in enumerate(stages.items())}
    slope = {s: 0.5 * (fidelity[s] - 85) - 8 * public[s] for s in stages}
    traits = {
        s: {"fidelity": fidelity[s], "implementer": "government" if public[s] else "ngo"} for s in stages
    }
    warehouse = accounted(population(stages, slope), stages, traits)
    found = parts(warehouse)
    assert (found.state == "estimated").all()
    assert found.estimate.drop("change").sum() == pytest.approx(found.loc["change"].estimate, abs=1e-9)
    effects = warehouse.rows(
        "select estimate from effects.int_site_effects where is_headline and dimension = 'all' order by site"
    ).estimate.to_numpy()
    cells = warehouse.rows("select unnest(map_values(predicted)) as z from effects.int_composition").z
    names = sorted(stages)
    scaled = np.array([stages[s] == "scaled" for s in names])
    traits = {
        "fidelity": np.array([fidelity[s] for s in names]),
        "implementer": np.array([1.0 - public[s] for s in names]),
    }
    true_cells = np.where(scaled, 770, 1270) / 24
    true_effects = true_cells + np.array([slope[s] for s in names])
    expected = over_all_orders(effects, cells.to_numpy(), scaled, traits)
    truth = over_all_orders(true_effects, true_cells, scaled, traits)
    for part in ("composition", "fidelity", "implementer"):
        row = found.loc[part]
        assert row.estimate == pytest.approx(expected[part]), part
        assert abs(row.estimate - truth[part]) < 4 * row.estimate_se, part
        assert row.estimate_low < row.estimate < row.estimate_high


def over_all_orders(y, z, scaled, traits) -> dict[str, float]:
    """Each part as the mean over six orders of what it adds, by least squares."""

    def accounted_by(chosen: frozenset[str]) -> float:
        told, rest = (z[scaled].mean() - z[~scaled].mean(), y - z) if "composition" in chosen else (0.0, y)
        columns = [values for name, values in traits.items() if name in chosen]
        design = np.column_stack([scaled, ~scaled, *columns]).astype(float)
        beta = np.linalg.lstsq(design, rest, rcond=None)[0][2:]
        gaps = [values[scaled].mean() - values[~scaled].mean() for values in columns]
        return told + float(beta @ gaps if columns else 0)

    parts = dict.fromkeys(("composition", *traits), 0.0)
    for order in permutations(parts):
        for place, part in enumerate(order):
            after, before = (accounted_by(frozenset(order[:count])) for count in (place + 1, place))
            parts[part] += (after - before) / 6
    return parts


def test_what_changes_only_with_the_stage_or_is_told_by_few_sites_has_no_part(accounted):
    stages = staged(6, 6)
    traits = {
        s: {"implementer": "ngo" if stage == "pilot" else "government", "fidelity": 80.0 - 3 * i}
        for i, (s, stage) in enumerate(stages.items())
    }
    found = parts(accounted(population(stages), stages, traits))
    assert found.loc["implementer"].why_missing == "changes only together with the stage"
    assert found.loc["fidelity"].state == "estimated"
    few = staged(3, 4)
    rows = parts(accounted(population(few), few, {s: {"fidelity": 50.0 + i} for i, s in enumerate(few)}))
    assert rows.loc["fidelity"].why_missing.startswith("too_few_sites")
    assert pd.isna(rows.loc["fidelity"].estimate)


def test_a_cell_that_the_pilot_lacks_leaves_composition_untold_by_name(accounted):
    stages = staged(3, 3)
    units = population(stages)
    gone = units.site.str.startswith("pilot") & (units.female == "1") & (units.rural == "1")
    gone &= units.arm == "control"
    found = parts(accounted(units[~gone], stages))
    assert found.loc["composition"].why_missing == "no pilot site has both arms in: 1 and 1"
    assert found.loc["rest"].estimate == found.loc["change"].estimate


def test_without_an_answer_no_part_is_told(accounted):
    stages = staged(3, 3)
    closing = "update registry.site_waves set state = 'in_field'"
    interim = parts(accounted(population(stages), stages, change=closing))
    assert interim.estimate.isna().all() and interim.why_missing.notna().all()
    network = parts(accounted(population(stages), stages, analyses=({"level": "network"},)))
    assert network.loc["fidelity"].why_missing == "one trial over all sites tells of no site apart"
    assert network.loc["composition"].state == "estimated"
    nothing = parts(accounted(population(stages), stages, dimensions=()))
    assert nothing.loc["composition"].why_missing.startswith("no cells of people")


def test_a_site_that_was_a_pilot_first_stands_on_one_side_only(accounted):
    stages = staged(3, 4)
    later = "insert into registry.site_stages values ('pilot_00', 'scaled', '2025-01-01')"
    warehouse = accounted(population(stages), stages, change=later)
    pools = warehouse.rows(
        "select stage, sites from effects.int_pools where dimension = 'all' and measure = 'difference'"
    ).set_index("stage")
    pilot, scaled = (set(pools.loc[stage].sites) for stage in ("pilot", "scaled"))
    assert (len(pilot), len(scaled), pilot & scaled) == (3, 4, set())
    shared = warehouse.rows("""
        select m.cluster_id from moments.int_moments as m
        inner join effects.int_analysis_sites as s on m.site = s.site and m.wave = s.wave
        group by m.cluster_id having count(distinct s.pool) > 1
    """)
    assert shared.empty, "no cluster counts on both sides, so the two are independent"
