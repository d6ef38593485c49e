"""What a programme cost and bought: numbers against numpy and scipy, and a state wherever there is none."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

SITES = ("alpha", "beta", "gamma", "delta", "kappa")


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def spent(**cost_of: float) -> list[dict[str, Any]]:
    """One row of the register for every site."""
    return [{"site": site, "cost": cost} for site, cost in cost_of.items()]


EVERYWHERE = spent(alpha=1000.0, beta=3000.0, gamma=900.0, delta=1100.0, kappa=1300.0)


def told(warehouse: Any, measure: str, site: str = "network", stage: str = "scaled") -> Any:
    asked = f"measure = '{measure}' and site = '{site}' and stage = '{stage}'"
    rows = warehouse.rows(f"from cost.int_cost_effectiveness where {asked}")
    assert len(rows) == 1
    return rows.iloc[0]


def interval(estimate: float, error: float, df: float) -> tuple[float, float]:
    half = stats.t.ppf(0.975, df) * error
    return estimate - half, estimate + half


def test_a_unit_of_outcome_costs_what_fieller_says(costed) -> None:
    warehouse = costed(EVERYWHERE)
    per_participant = (900 + 1100 + 1300) / 300
    assert told(warehouse, "cost_per_participant").value == close(per_participant)
    low, high = interval(5.0, 1.0, 20.0)
    unit = told(warehouse, "cost_per_unit")
    assert unit.value == close(per_participant / 5.0)
    assert (unit.value_low, unit.value_high) == (close(per_participant / high), close(per_participant / low))
    bought = told(warehouse, "effect_per_100")
    assert (bought.value, bought.value_low, bought.value_high) == tuple(
        close(100 * effect / per_participant) for effect in (5.0, low, high)
    )
    assert told(warehouse, "cost_per_unit", "alpha", "pilot").value == close(10.0 / 8.0)


def test_a_share_is_paid_for_by_the_person(costed) -> None:
    share = {"unit": "percent", "statistic": "share", "effect_scale": "risk_difference"}
    unit = told(costed(EVERYWHERE, indicator=share), "cost_per_unit")
    assert unit.value == close(100 * 11.0 / 5.0)
    assert unit.unit == "USD at 2025 prices per additional person"


def test_where_less_is_better_a_fall_is_what_is_bought(costed) -> None:
    fewer = {"scaled": (-5.0, 1.0, 20.0)}
    warehouse = costed(EVERYWHERE, effects=fewer, indicator={"direction": "lower_is_better"})
    assert told(warehouse, "cost_per_unit").value == close(11.0 / 5.0)
    assert told(costed(EVERYWHERE, effects=fewer), "cost_per_unit").state == "no_benefit"


def test_what_was_kept_per_cost_is_the_retention_at_the_price_of_each_stage(costed) -> None:
    kept = told(costed(EVERYWHERE), "cost_effectiveness_retention")
    (a, sa, dfa), (b, sb, dfb) = (8.0, 2.0, 10.0), (5.0, 1.0, 20.0)
    q = stats.t.ppf(0.975, min(dfa, dfb))
    bounds = np.sort(np.roots([a**2 - q**2 * sa**2, -2 * a * b, b**2 - q**2 * sb**2]).real) * 20.0 / 11.0
    assert kept.value == close((5.0 / 11.0) / (8.0 / 20.0))
    assert (kept.value_low, kept.value_high) == (close(bounds[0]), close(bounds[1]))


@pytest.mark.parametrize(
    ("change", "measure", "state"),
    [
        ({"effects": {"scaled": (1.0, 1.0, 20.0)}}, "cost_per_unit", "not_estimable"),
        ({"effects": {"scaled": (0.0, 1.0, 20.0)}}, "cost_per_unit", "not_estimable"),
        ({"effects": {"scaled": (5.0, None, None)}}, "cost_per_unit", "no_standard_error"),
        ({"effects": {"scaled": (5.0, None, None)}}, "effect_per_100", "no_standard_error"),
        ({"effects": {"scaled": (None, None, None)}}, "effect_per_100", "not_estimable"),
        ({"effects": {"pilot": (1.0, 1.0, 20.0)}}, "cost_effectiveness_retention", "not_estimable"),
        ({"effects": {"pilot": (None, None, None)}}, "cost_effectiveness_retention", "not_applicable"),
        ({"people": {}}, "cost_per_participant", "no_participants"),
        ({"indicator": {"effect_scale": "log_risk_ratio"}}, "cost_per_unit", "not_applicable"),
        ({"costs": spent(alpha=10.0)}, "total_cost", "no_costs"),
        ({"costs": spent(gamma=0.0, delta=0.0, kappa=0.0)}, "effect_per_100", "not_applicable"),
        ({"costs": EVERYWHERE[:-1]}, "cost_per_unit", "incomplete"),
        ({"people": {"alpha": 10, "gamma": 10}}, "cost_per_participant", "incomplete"),
    ],
)
def test_a_number_that_cannot_be_had_has_a_state_and_a_reason(costed, change, measure, state) -> None:
    row = told(costed(**({"costs": EVERYWHERE} | change)), measure)
    assert row.state == state
    assert (row.value == row.value) == (row.why_missing is None or row.why_missing != row.why_missing)
    if state == "incomplete":
        assert "of" in row.note


def test_evaluation_stands_beside_and_shares_are_of_the_rest(costed) -> None:
    more = [
        {"site": "gamma", "cost": 500.0, "category": "evaluation"},
        {"site": "gamma", "cost": 300.0, "behaviour": "fixed", "payment": "donated"},
        {"site": "gamma", "cost": 100.0, "behaviour": "variable"},
    ]
    warehouse = costed([*EVERYWHERE, *more])
    value = {name: told(warehouse, name, "gamma").value for name in ("total_cost", "evaluation_cost")}
    assert value == {"total_cost": 1300.0, "evaluation_cost": 500.0}
    shares = [told(warehouse, f"{kind}_share", "gamma").value for kind in ("fixed", "variable", "donated")]
    assert shares == [close(100 * part / 1300) for part in (300, 100, 300)]


def test_an_effect_was_bought_by_everything_spent_before(costed) -> None:
    before = [{"site": "gamma", "cost": 50.0, "wave": wave} for wave in ("baseline", "midline")]
    assert told(costed([*EVERYWHERE, *before]), "total_cost", "gamma").value == close(1000.0)


def test_the_registers_own_count_goes_before_the_frames(costed) -> None:
    costs = [*EVERYWHERE, {"site": "gamma", "cost": 100.0, "participants": 250}]
    row = told(costed(costs), "cost_per_participant", "gamma")
    assert (row.value, row.n, row.participants_basis) == (close(4.0), 250, "register")


def test_rows_that_cannot_be_counted_are_counted_as_such(costed) -> None:
    bad = {"site": "gamma", "cost": None, "problem": "its amount is negative"}
    row = told(costed([*EVERYWHERE, bad]), "total_cost", "gamma")
    assert (row.value, row.rows_set_aside, row.state) == (900.0, 1, "incomplete")
    assert row.note == "1 rows of the register set aside: its amount is negative"


def test_a_stage_costs_what_the_sites_behind_its_effect_cost(costed) -> None:
    warehouse = costed(EVERYWHERE, states={"kappa": "withheld"})
    assert told(warehouse, "total_cost").value == close(2000.0)
    assert told(warehouse, "total_cost", "kappa").value == close(1300.0)


def test_without_a_register_nothing_is_said(costed) -> None:
    warehouse = costed([])
    for table in ("int_cost_effectiveness", "int_cost_steps", "int_cost_elasticity"):
        assert len(warehouse.rows(f"from cost.{table}")) == 0


def test_cost_goes_with_scale_as_least_squares_says(costed) -> None:
    people = dict(zip(SITES, (10, 20, 30, 50, 80), strict=True))
    cost = np.array([900.0, 1500.0, 1900.0, 2600.0, 3500.0])
    warehouse = costed(spent(**dict(zip(SITES, map(float, cost), strict=True))), people=people)
    row = warehouse.rows("from cost.int_cost_elasticity").iloc[0]
    line = stats.linregress(np.log(list(people.values())), np.log(cost))
    half = stats.t.ppf(0.975, 3) * line.stderr
    assert (row.beta, row.beta_se) == (close(line.slope), close(line.stderr))
    assert (row.beta_low, row.beta_high) == (close(line.slope - half), close(line.slope + half))
    step = warehouse.rows("from cost.int_cost_steps where curve = 'stages'").iloc[0]
    assert step.value == close((8000 / 3 - 1200) / (160 / 3 - 15))


def test_one_scale_or_two_sites_make_no_curve(costed) -> None:
    alike = costed(EVERYWHERE).rows("from cost.int_cost_elasticity").iloc[0]
    assert alike.is_one_scale and alike.beta != alike.beta
    two = costed(EVERYWHERE[:2], people={"alpha": 10, "beta": 20}).rows("from cost.int_cost_elasticity")
    assert two.k.tolist() == [2] and two.beta.isna().all()


def test_numbers_are_the_same_to_the_bit_with_one_and_two_threads(costed) -> None:
    costs = [
        {"site": site, "cost": 0.1 * (place + 1) / 3} for place in range(200) for site in ("gamma", "delta")
    ]
    query = "from cost.int_cost_effectiveness"
    one, two = (costed(costs, threads=threads).rows(query).to_json() for threads in (1, 2))
    assert one == two
