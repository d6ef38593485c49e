"""The models of validity over hand-made rows: the same warehouse in memory that the effects' tests use.

In: nothing. Out: the fixtures `effects_warehouse` and `trial_people`. No expectation lives here.
"""

import importlib.util
import sys
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


@pytest.fixture(scope="session")
def effects_warehouse() -> Any:
    """Opens an empty warehouse each time it is called."""
    return _effects.EffectsWarehouse


@pytest.fixture(scope="session")
def built(effects_warehouse: Any) -> Any:
    """Builds the models of validity for one programme of sites, from people as one row each."""

    def build(people: pd.DataFrame, stages: dict[str, str] | None = None, **programme: Any) -> Any:
        warehouse = effects_warehouse()
        change = programme.pop("change", "select 1")
        warehouse.programme(stages or dict.fromkeys(people.site.unique(), "pilot"), **programme)
        warehouse.units(people)
        warehouse.connection.execute(change)
        warehouse.build("sites", "validity")
        return warehouse

    return build
