"""The models of cost over hand-made rows: the same warehouse in memory that the effects' tests use.

In: nothing. Out: the fixture `costed`. No expectation lives here.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

_place = Path(__file__).parents[1] / "effects/conftest.py"
_spec = importlib.util.spec_from_file_location("effects_conftest", _place)
assert _spec and _spec.loader
_effects = sys.modules.setdefault("effects_conftest", importlib.util.module_from_spec(_spec))
if not hasattr(_effects, "EffectsWarehouse"):
    _spec.loader.exec_module(_effects)

STAGES = {"alpha": "pilot", "beta": "pilot", "gamma": "scaled", "delta": "scaled", "kappa": "scaled"}
KEY = {"analysis": "main", "indicator": "score", "wave": "endline"}
NUMBERS = {"n_treatment": 50, "n_control": 40, "dimension": "all", "level": "all", "is_headline": True}
NUMBERS |= {"measure": "difference"}
PILOT, SCALED = (8.0, 2.0, 10.0), (5.0, 1.0, 20.0)


@pytest.fixture(scope="session")
def costed() -> Callable[..., Any]:
    """Builds the models of cost for five sites with effects of their own, and for their two stages.

    Arguments: rows of the register as stg_costs reads them; effects (estimate, standard error, degrees of
    freedom) by site or stage; people of the frame by site; fields of the indicator; states by site.
    """

    def build(
        costs: list[dict[str, Any]],
        effects: dict[str, tuple[float | None, float | None, float | None]] | None = None,
        people: dict[str, int] | None = None,
        indicator: dict[str, Any] | None = None,
        states: dict[str, str] | None = None,
        threads: int = 2,
    ) -> Any:
        warehouse = _effects.EffectsWarehouse(threads)
        waves = ("baseline", "midline", "endline")
        warehouse.programme(STAGES, indicators=[indicator or {}], waves=waves)
        order = "case wave when 'baseline' then 1 when 'midline' then 2 else 3 end"
        warehouse.connection.execute(f"update registry.waves set wave_order = {order}")
        warehouse.insert("registry.programme", [{"base_currency": "USD", "price_year": 2025, "min_cell": 7}])
        warehouse.connection.execute("update registry.programme set is_public = true, round_to = 5")
        warehouse.insert("registry.sources", [{"source": "costs", "role": "costs"}] if costs else [])
        numbered = [{"record_id": f"{place:03}"} | row for place, row in enumerate(costs)]
        if numbered:
            warehouse.insert("staging.stg_costs", numbered)
        served = {site: 100 for site in STAGES} if people is None else people
        drawn = [
            {"unit_key": f"{site}{place}{arm}", "site": site, "arm": arm}
            for site, count in served.items()
            for place in range(count)
            for arm in ("treatment", "control")
        ]
        if drawn:
            warehouse.insert("frame.int_frame", drawn)
        told = {site: PILOT if stage == "pilot" else SCALED for site, stage in STAGES.items()}
        told |= {"pilot": PILOT, "scaled": SCALED, "all": (6.0, 1.0, 30.0)} | (effects or {})
        _upstream(warehouse, told, states or {})
        warehouse.build("cost")
        return warehouse

    return build


def _upstream(warehouse: Any, told: dict[str, Any], states: dict[str, str]) -> None:
    sites = [
        KEY
        | {"site": site, "stage": stage, "pool": stage, "state": states.get(site, "included")}
        | {"design_group": "randomised", "comparability_class": "A"}
        for site, stage in STAGES.items()
    ]
    names = ("estimate", "estimate_se", "df")
    by_site, pooled = [], []
    for name, numbers in told.items():
        row = KEY | NUMBERS | dict(zip(names, numbers, strict=True))
        row["why_missing"] = "it was not measured" if numbers[0] is None else None
        if name in STAGES:
            stage = {"site": name, "stage": STAGES[name], "state": "estimated" if numbers[0] else "no_data"}
            by_site.append(row | stage)
        else:
            pooled.append(row | {"stage": name, "design_group": "randomised"})
    _claim(warehouse, told["pilot"], told["scaled"])
    warehouse.build("int_retention_ratios")
    for name, rows in (
        ("int_analysis_sites", sites),
        ("int_site_effects", by_site),
        ("int_pooled_effects", pooled),
    ):
        frame = pd.DataFrame(rows)
        if "why_missing" in frame:
            frame["why_missing"] = frame["why_missing"].astype("string")
        warehouse.connection.register("frame_rows", frame)
        warehouse.connection.execute(f"create table effects.{name} as from frame_rows")


def _claim(warehouse: Any, pilot: Any, scaled: Any) -> None:
    """The retention's two sides, as int_retention_claims has them."""
    numbers = dict(zip(("a", "sa", "dfa", "b", "sb", "dfb"), (*pilot, *scaled), strict=True))
    rest = dict.fromkeys(("pilot_estimate", "change", "change_se", "change_df", "contrast"), 1.0)
    rest |= {"contrast_z": 1.0, "change_z": 1.0, "margin": 0.5, "is_complete": None not in numbers.values()}
    frame = pd.DataFrame([KEY | numbers | rest]).astype(dict.fromkeys(numbers, float))
    warehouse.connection.register("frame_rows", frame)
    warehouse.connection.execute("create table effects.int_retention_claims as from frame_rows")
