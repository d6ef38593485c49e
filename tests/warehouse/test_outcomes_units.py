"""An answer is converted by the factor of its source, site and wave, exactly; what has none has no value."""

import copy
from datetime import date
from fractions import Fraction

import pytest

from ingestion.programme.conversions import site_factors
from ingestion.programme.model import Head, Site

PAIR = {"from_unit": "KES/month", "to_unit": "USD/month"}


def outcome(warehouse, indicator, unit, wave="endline"):
    query = f"""select value_steps, exposure_steps, baseline_steps, why_missing from outcomes.int_outcomes
        where indicator = '{indicator}' and unit_key = '{unit}' and wave = '{wave}'"""
    return warehouse.one(query)


def wanted(programme, indicator, unit, **item):
    """Says which unit an indicator wants its terms in."""
    for row in programme.registry["indicator_terms"]:
        if row["indicator"] == indicator and (not item or row["item"] in item.values()):
            row["to_unit"] = unit


@pytest.fixture(scope="module")
def priced(tiny_programme, build_once):
    """Money by site and wave, measures by definition, and a ratio in both."""
    programme = tiny_programme.copy()
    registry = programme.registry
    registry["conversions"] = [
        {"from_unit": "minute", "to_unit": "hour", "factor": "0.0166666666667"},
        {"from_unit": "goat", "to_unit": "sheep", "factor": "1.5"},
    ]
    registry["source_units"] += [
        {"source": "kobo", "instrument": "child_test", "item": "sick", "unit": "minute"},
        {"source": "redcap", "instrument": "child_test", "item": "sick", "unit": "hour"},
        {"source": "kobo", "instrument": "child_test", "item": "age", "unit": "goat"},
        {"source": "redcap", "instrument": "child_test", "item": "age", "unit": "cow"},
    ]
    for site, wave, factor in (
        ("alpha", "baseline", "0.01"),
        ("alpha", "endline", "0.00803573986096"),
        ("beta", "endline", "0.5"),
        ("beta", "baseline", None),
    ):
        for unit in ("KES/month", "USD/month"):
            row = {"from_unit": unit, "to_unit": "USD/month", "site": site, "wave": wave}
            registry.setdefault("money_factors", []).append(row | ({"factor": factor} if factor else {}))
    place = {"resolution": "0.01", "indicator_order": 9}
    for name, unit, terms, more in (
        ("hours", "hour", [("value", "sick")], {"statistic": "mean"}),
        ("sheep", "sheep", [("value", "age")], {"statistic": "mean"}),
        ("hour_share", "percent", [("numerator", "sick"), ("denominator", "days")], {"statistic": "ratio"}),
        (
            "rich",
            "percent",
            [("value", "spend")],
            {"statistic": "share", "threshold_low": "1.04", "is_low_included": True, "resolution": "100"},
        ),
    ):
        registry["indicators"].append({"indicator": name, "unit": unit} | place | more)
        for term, item in terms:
            registry["indicator_terms"].append(
                {"indicator": name, "instrument": "child_test", "item": item, "term": term}
            )
    wanted(programme, "hours", "hour")
    wanted(programme, "sheep", "sheep")
    wanted(programme, "hour_share", "hour", item="sick")
    wanted(programme, "rich", "USD/month")
    return build_once(programme, "+int_outcomes")


@pytest.mark.parametrize(
    ("indicator", "unit", "expected"),
    [
        # 129.50 KES of 2024 at 0.00803573986096, 100 KES at baseline at 0.01: 104 and 100 cents
        ("spending", "A1", (104, 1, 100, None)),
        # 2.345 USD told at a site whose own prices rose; its baseline has no price
        ("spending", "B1", (117, 1, None, None)),
        # 3 minutes are 0.05 hours exactly, 2 are 0.03; 0 hours stay none
        ("hours", "A1", (5, 1, 2, None)),
        ("hours", "B1", (0, 1, 100, None)),
        # 8.25 goats are 12.375 sheep; nobody says what a cow is worth
        ("sheep", "A1", (1238, 1, 1050, None)),
        ("sheep", "B1", (None, None, None, "no_conversion")),
        # 3 minutes in hours over 28 days
        ("hour_share", "A1", (5, 28000000, 2, None)),
        # 1.0406... is no less than 1.04; half of 2.345 is
        ("rich", "A1", (1, 1, 0, None)),
        ("rich", "B1", (1, 1, None, None)),
    ],
)
def test_an_answer_is_worth_what_its_site_and_wave_say(priced, indicator, unit, expected):
    assert outcome(priced, indicator, unit) == expected


def test_a_cell_without_a_price_has_no_value_and_says_so(priced):
    assert outcome(priced, "spending", "B1", "baseline") == (None, None, None, "no_conversion")
    assert outcome(priced, "rich", "B1", "baseline")[3] == "no_conversion"
    # a code of no answer is told before what it might have been worth
    assert outcome(priced, "spending", "A2")[3] == "missing_code"


def test_raw_money_of_two_places_is_never_a_number(tiny_programme, build_warehouse):
    """Both sites tell KES; one of them pays in another money, as the registry knows."""
    programme = tiny_programme.copy()
    registry = programme.registry
    registry["conversions"] = []
    for row in registry["source_units"]:
        row["unit"] = "KES/month"
    programme.row("indicators", indicator="spending")["unit"] = "KES/month"
    registry["money_factors"] = [
        {"from_unit": "KES/month", "to_unit": "KES/month", "site": site, "wave": wave} | factor
        for site, factor in (("alpha", {"factor": "1"}), ("beta", {}))
        for wave in ("baseline", "endline")
    ]
    built = build_warehouse(programme, "+int_outcomes")
    assert outcome(built, "spending", "A1")[:2] == (12950, 1)
    assert outcome(built, "spending", "B1") == (None, None, None, "no_conversion")
    query = "select count(*) from outcomes.int_outcomes where indicator = 'spending' and unit_key like 'B%'"
    assert built.one(query + " and value_steps is not null") == (0,)


def test_a_conversion_of_the_programme_s_own_goes_before_its_prices(tiny_programme, build_warehouse):
    programme = tiny_programme.copy()
    programme.registry["money_factors"] = [PAIR | {"site": "alpha", "wave": "endline", "factor": "2"}]
    assert outcome(build_warehouse(programme, "+int_outcomes"), "spending", "A1")[0] == 100


HEAD = {
    "programme": "tiny",
    "title": "Tiny",
    "currency": {"base": "USD", "price_year": 2025},
    "waves": [
        {"wave": "baseline", "from": date(2024, 1, 1), "closes": date(2024, 3, 31), "is_baseline": True},
        {"wave": "endline", "from": date(2025, 1, 1), "closes": date(2025, 3, 31)},
    ],
    "money": {
        "exchange": [{"currency": "KES", "year": 2025, "per_base": "129.3"}],
        "deflators": [
            {"currency": "KES", "year": 2024, "index": "151.2"},
            {"currency": "KES", "year": 2025, "index": "157.1"},
            {"currency": "USD", "year": 2025, "index": "322.1"},
        ],
    },
}


def test_from_tables_of_money_to_exact_cents(tiny_programme, build_warehouse):
    """100 KES of 2024 and 129.50 KES of 2025 in dollars of 2025; dollars of 2024 have no deflator."""
    head = copy.deepcopy(HEAD)
    for table in head["money"].values():
        for row in table:
            row |= {"dated": date(2026, 1, 31), "ground": "a test"}
    sites = [
        Site.model_validate(
            {"site": site, "design": "rct", "stages": [{"stage": "pilot", "from": date(2024, 1, 1)}]}
        )
        for site in ("alpha", "beta")
    ]
    programme = tiny_programme.copy()
    programme.registry["conversions"] = []
    programme.registry["money_factors"] = [
        {"from_unit": unit, "to_unit": "USD/month", "site": cell.site, "wave": cell.wave}
        | ({"factor": cell.factor} if cell.factor else {})
        for unit in ("KES/month", "USD/month")
        for cell in site_factors(unit, "USD/month", Head.model_validate(head), sites)
    ]
    for answer in ("k1a", "k0"):
        row = next(row for row in programme.lake["kobo.main"] if row["record_id"] == answer)
        row['spend "total"'] = str(100 * float(row['spend "total"']))
    built = build_warehouse(programme, "+int_outcomes")
    cents = [Fraction(10000) * Fraction("157.1") / Fraction("151.2"), Fraction(12950)]
    expected = [round(100 * amount / Fraction("129.3")) for amount in cents]
    assert outcome(built, "spending", "A1", "baseline")[0] == expected[0] == 8036
    assert outcome(built, "spending", "A1")[:3] == (expected[1], 1, expected[0]) == (10015, 1, 8036)
    assert outcome(built, "spending", "B1") == (235, 1, None, None)
    assert outcome(built, "spending", "B1", "baseline")[3] == "no_conversion"
