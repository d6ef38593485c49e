"""The same people give the same numbers to the last bit, on one thread or two."""

from typing import Any

import numpy as np
import pandas as pd

TABLES = (
    "int_attrition",
    "int_selective_attrition",
    "int_lee_bounds",
    "int_baseline_balance",
    "int_baseline_tests",
)


def test_the_number_of_threads_changes_nothing(effects_warehouse: Any) -> None:
    rng = np.random.default_rng(12)
    index = np.arange(2400)
    cluster, arms = index // 20, np.array(["control", "treatment"])
    people = pd.DataFrame(
        {
            "unit_key": [f"u{i}" for i in index],
            "site": np.array(["a", "b"])[index // 1200],
            "arm": arms[cluster % 2],
            "cluster_id": [f"c{c}" for c in cluster],
            "value_steps": pd.array(np.where(rng.random(2400) < 0.2, None, rng.integers(0, 999, 2400))),
            "baseline_steps": rng.integers(0, 99, 2400),
        }
    ).astype({"value_steps": "Int64"})
    seen = people.assign(wave="baseline", value_steps=people.baseline_steps.astype("Int64"))
    told = []
    for threads in (1, 2):
        warehouse = effects_warehouse(threads)
        warehouse.programme({"a": "pilot", "b": "scaled"}, waves=("baseline", "endline"))
        warehouse.units(pd.concat([people.assign(wave="endline"), seen.assign(baseline_steps=None)]))
        warehouse.connection.execute(
            "create or replace table frame.int_frame as"
            " select distinct * replace (null::varchar as wave) from frame.int_frame"
        )
        warehouse.build("sites", "validity")
        told.append([warehouse.rows(f"from validity.{table} order by all") for table in TABLES])
    for one, two in zip(*told, strict=True):
        assert len(one) > 0
        pd.testing.assert_frame_equal(one, two, check_exact=True)
