"""An index's effect is that of any outcome; it is no more comparable than the worst of its components."""

import numpy as np
import pandas as pd
import pytest

COMPONENTS = ("words", "mood")


def registered(warehouse, changes=()):
    """Three sites that measure an index of two components, asked as in the reference but for changes."""
    indicators = [{"indicator": name, "indicator_order": 1} for name in COMPONENTS]
    warehouse.programme(
        {"east": "pilot", "south": "scaled", "west": "scaled"},
        [*indicators, {"indicator": "index", "statistic": "index_klk", "indicator_order": 3}],
    )
    warehouse.connection.execute("update registry.expected_cells set basis = 'rows'")
    for name in (*COMPONENTS, "index"):
        reference = {"indicator": name, "is_registered": True, "instrument": "test", "mode": "in_person"}
        reference |= {"language": "en"}
        warehouse.insert("registry.indicator_references", [reference])
        kinds = {"none": "A", "undeclared": "A", "unregistered": "A", "mode": "B", "untranslated": "C"}
        warehouse.insert(
            "registry.comparability_rules",
            [{"indicator": name, "difference": kind, "class": letter} for kind, letter in kinds.items()],
        )
    warehouse.insert(
        "registry.index_components",
        [
            {"indicator": "index", "component": name, "component_order": place, "mean": 0.0, "sd": 1.0}
            | {"sign": 1, "weight": 1.0}
            for place, name in enumerate(COMPONENTS, 1)
        ],
    )
    asked = [
        {"source": "survey", "site": site, "wave": "endline", "indicator": name, "is_sent": False}
        | {"instrument": "test", "mode": "in_person", "language": "en"}
        for site in ("east", "south", "west")
        for name in COMPONENTS
    ]
    for site, name, change in changes:
        row = next(row for row in asked if (row["site"], row["indicator"]) == (site, name))
        row.update(change)
    warehouse.insert("registry.asked", asked)
    warehouse.build("sites")
    rows = warehouse.rows("from effects.int_analysis_sites where indicator = 'index'")
    return rows.set_index("site")


def test_an_index_is_as_comparable_as_the_worst_of_its_components(effects_warehouse):
    changes = [
        ("south", "mood", {"mode": "phone"}),
        ("west", "words", {"mode": "phone"}),
        ("west", "mood", {"language": "sw"}),
    ]
    rows = registered(effects_warehouse(), changes)
    assert rows.comparability_class.to_dict() == {"east": "A", "south": "B", "west": "C"}
    assert rows.state.to_dict() == {"east": "included", "south": "included", "west": "not_comparable"}
    assert "mood: sw" in rows.reason["west"]
    assert "mood: phone" in rows.comparability_reason["south"]


def test_an_index_whose_components_are_as_their_references_say_is_of_class_a(effects_warehouse):
    assert set(registered(effects_warehouse()).comparability_class) == {"A"}


def test_an_index_s_effect_is_the_difference_of_its_means(effects_warehouse):
    rng = np.random.default_rng(5)
    people = pd.DataFrame({"unit_key": [f"u{n}" for n in range(80)], "site": "here", "indicator": "index"})
    people = people.assign(
        arm=np.where(np.arange(80) % 2, "treatment", "control"),
        value_steps=np.rint(rng.normal(0, 7000, 80)).astype(int),
    )
    warehouse = effects_warehouse()
    index = {"indicator": "index", "statistic": "index_klk"}
    warehouse.programme({"here": "pilot"}, [index], [{"clusters": "none"}])
    warehouse.units(people)
    warehouse.build("moments", "fits", "int_site_effects")
    row = warehouse.rows("from effects.int_site_effects where is_headline").iloc[0]
    means = people.groupby("arm").value_steps.mean()
    assert row.estimate == pytest.approx(means["treatment"] - means["control"], rel=1e-9)
