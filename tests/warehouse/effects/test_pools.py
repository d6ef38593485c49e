"""Which sites are pooled with which: by stage and overall, designs apart, and no site dropped in silence."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

SITES = {
    # site: (stage, design group, state, reason, standard error)
    "alpha": ("pilot", "randomised", "included", None, 2.0),
    "beta": ("pilot", "randomised", "included", None, 1.0),
    "gamma": ("scaled", "randomised", "included", None, 3.0),
    "delta": ("scaled", "non_randomised", "included", None, 1.5),
    "kappa": ("scaled", "randomised", "withheld", "age_range: too old", None),
    "lamda": ("scaled", "randomised", "not_comparable", "another recall period", None),
    "omega": ("scaled", None, "not_identified", "design pre_post: no group to compare with", None),
    "sigma": ("scaled", "randomised", "included", None, 0.0),
}
ESTIMATES = {site: float(place) for place, site in enumerate(SITES)}


@pytest.fixture
def pools(effects_warehouse) -> Callable[..., pd.DataFrame]:
    """int_pools over the sites above, one effect each; sites left out are not there at all."""

    def built(analysis: dict[str, Any] | None = None, sites: tuple[str, ...] = tuple(SITES)) -> pd.DataFrame:
        warehouse = effects_warehouse()
        warehouse.insert("registry.indicators", [{}])
        warehouse.insert("registry.analyses", [{"pool_designs": "apart"} | (analysis or {})])
        warehouse.insert("registry.sites", [{"site": site, "eligible_count": 100} for site in sites])
        warehouse.insert("registry.site_stages", [{"site": s, "stage": SITES[s][0]} for s in sites])
        verdicts = [{"site": s, "verdict": "warn" if s == "beta" else "pass"} for s in sites]
        warehouse.insert("quality.admission", verdicts)
        key = {"analysis": "main", "indicator": "score", "wave": "endline"}
        placed, effects = [], []
        for site in sites:
            stage, group, state, reason, error = SITES[site]
            pool = stage if any(SITES[name][0] == "pilot" for name in sites) else "all"
            placed.append(
                key
                | {"site": site, "stage": stage, "pool": pool, "design_group": group, "state": state}
                | {"reason": reason}
            )
            number = {"estimate": ESTIMATES[site], "estimate_se": error} if error is not None else {}
            effects.append(
                key
                | {"site": site, "stage": stage, "dimension": "all", "level": "all", "df": 9.0}
                | {
                    "measure": "difference",
                    "is_own": True,
                    "n_treatment": 50,
                    "n_control": 40,
                    "basis": "rows",
                }
                | {"estimate": None, "estimate_se": None, "why_missing": reason}
                | number
            )
        own = [row for row in effects if row["estimate"] is not None]
        effects += [row | {"is_own": False, "estimate": 99.0} for row in own]
        for name, rows, columns in (
            ("int_analysis_sites", placed, "reason varchar"),
            ("int_site_effects", effects, "why_missing varchar"),
        ):
            frame = pd.DataFrame(rows).astype(dict.fromkeys([columns.split()[0]], "object"))
            warehouse.connection.register("frame_rows", frame)
            warehouse.connection.execute(f"create table effects.{name} as from frame_rows")
        warehouse.build("int_pools")
        return warehouse.rows("from effects.int_pools").set_index(["stage", "design_group"])

    return built


def test_every_stage_has_its_pool_and_all_sites_have_one_of_their_own(pools) -> None:
    rows = pools()
    assert sorted(rows.index) == [
        ("all", "non_randomised"),
        ("all", "randomised"),
        ("pilot", "randomised"),
        ("scaled", "non_randomised"),
        ("scaled", "randomised"),
    ]
    assert list(rows.loc[("pilot", "randomised")].sites) == ["beta", "alpha"], "the most precise first"
    assert list(rows.loc[("all", "randomised")].sites) == ["beta", "alpha", "gamma"]
    assert list(rows.loc[("all", "randomised")].y) == [ESTIMATES[s] for s in ("beta", "alpha", "gamma")]
    assert rows.loc[("all", "randomised")].n_treatment == 150
    assert rows.loc[("pilot", "randomised")].quality_verdict == "warn"
    assert rows.index.is_unique and rows.pool_id.is_unique


def test_the_randomised_pool_speaks_for_the_analysis_wherever_there_is_one(pools) -> None:
    rows = pools()
    assert set(rows[rows.is_headline_group].index.get_level_values("design_group")) == {"randomised"}
    only = pools(sites=("delta",))
    assert only.index.tolist() == [("all", "non_randomised")]
    assert only.is_headline_group.tolist() == [True]


def test_an_analysis_may_pool_designs_together_and_the_row_says_so(pools) -> None:
    rows = pools({"pool_designs": "together"})
    together = rows.loc[("all", "randomised and non-randomised")]
    assert sorted(together.sites) == ["alpha", "beta", "delta", "gamma"]
    assert set(rows.index.get_level_values("design_group")) == {"randomised and non-randomised"}
    assert rows.is_headline_group.all()


def test_sites_in_no_pool_stand_beside_it_with_their_reasons(pools) -> None:
    rows = pools()
    scaled = rows.loc[("scaled", "randomised")]
    assert scaled.withheld_sites == "kappa: age_range: too old"
    assert scaled.excluded_sites == (
        "lamda: another recall period; omega: design pre_post: no group to compare with; "
        "sigma: no usable standard error"
    )
    assert list(scaled.sites) == ["gamma"]
    assert "lamda" not in rows.loc[("scaled", "non_randomised")].excluded_sites
    alone = pools(sites=("alpha", "lamda"))
    empty = alone.loc[("scaled", "randomised")]
    assert len(empty.sites) == 0 and "another recall period" in empty.excluded_sites


def test_without_a_pilot_all_sites_are_one_pool(pools) -> None:
    rows = pools(sites=("gamma", "kappa"))
    assert rows.index.tolist() == [("all", "randomised")]
