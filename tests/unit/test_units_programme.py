"""A programme whose units do not go together is told where, and the registry says what is worth what."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ingestion.programme.load import Fault, check_programme, load_programme
from ingestion.programme.registry_measures import measure_rows
from ingestion.programme.registry_schemas import registry_table
from ingestion.programme.registry_units import unit_rows

Files = dict[str, str]
MONEY = """\
money:
  exchange: [{currency: KES, year: 2025, per_base: 129.3, dated: 2026-01-31, ground: central bank}]
  ppp: [{currency: KES, year: 2025, per_base: 45.1, dated: 2026-01-31, ground: world bank}]
  deflators:
    - {currency: KES, year: 2024, index: 151.2, dated: 2026-01-31, ground: statistics office}
    - {currency: KES, year: 2025, index: 157.1, dated: 2026-01-31, ground: statistics office}
    - {currency: USD, year: 2024, index: 313.7, dated: 2026-01-31, ground: statistics office}
    - {currency: USD, year: 2025, index: 322.1, dated: 2026-01-31, ground: statistics office}
"""
CONVERSION = """\
conversions:
  - {from_unit: KES/month, to_unit: USD/month, factor: 0.0077, dated: 2025-06-30, ground: central bank}
"""
MASS = """\
title: Harvest
unit: kg
statistic: mean
of: child_test.days
direction: higher_is_better
"""


@pytest.fixture
def found(programme_files: Files, write_folder: Callable[[Files], Path]) -> Callable[..., list[Fault]]:
    """The faults of the small programme's units after replacing text by text, by file."""

    def check(*changes: tuple[str, str, str], **more: str) -> list[Fault]:
        for name, old, new in changes:
            assert old in programme_files[name]
            programme_files[name] = programme_files[name].replace(old, new)
        files = programme_files | {f"indicators/{name}.yml": text for name, text in more.items()}
        return [fault for fault in check_programme(write_folder(files)) if "drop" not in fault.field]

    return check


@pytest.fixture
def rows(programme_files: Files, write_folder: Callable[[Files], Path]) -> Callable[..., Any]:
    """Rows of a registry table of the small programme, changed."""

    def read(table: str, *changes: tuple[str, str, str], **more: str) -> list[dict[str, Any]]:
        for name, old, new in changes:
            assert old in programme_files[name]
            programme_files[name] = programme_files[name].replace(old, new)
        files = programme_files | {f"indicators/{name}.yml": text for name, text in more.items()}
        programme = load_programme(write_folder(files))
        made = measure_rows(programme) | unit_rows(programme)
        return registry_table(table, made[table]).to_pylist()

    return read


TABLES = ("programme.yml", CONVERSION, MONEY)
DAYS = ("instruments/child_test.yml", "days: {question: days, type: integer}")


def test_a_unit_of_measure_is_converted_by_definition(found, rows) -> None:
    grams = (*DAYS, "days: {question: days, type: integer, unit: g}")
    assert found(grams, harvest=MASS) == []
    made = {(row["from_unit"], row["to_unit"]): row for row in rows("conversions", harvest=MASS)}
    assert made["g", "kg"]["factor"] == Decimal("0.001")
    assert made["g", "kg"]["ground"].startswith("pint ")
    assert made["KES/month", "USD/month"]["ground"] == "central bank"


def test_what_the_programme_declares_goes_before_a_definition(rows) -> None:
    own = CONVERSION.replace("KES/month", "g").replace("USD/month", "kg").replace("0.0077", "2")
    made = rows(
        "conversions",
        (*DAYS, "days: {question: days, type: integer, unit: g}"),
        ("programme.yml", CONVERSION, own),
        ("indicators/spend.yml", "USD/month", "KES/month"),
        ("sources.yml", "  units: {child_test.spend: USD/month}\n", ""),
        harvest=MASS,
    )
    assert [row["factor"] for row in made] == [2]


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("litre", "measure different things"),
        ("heaps", "measure different things"),
        ("KES", "not both money"),
    ],
)
def test_another_dimension_is_a_fault_with_its_place_and_remedy(found, unit, words) -> None:
    (fault,) = found((*DAYS, f"days: {{question: days, type: integer, unit: {unit}}}"), harvest=MASS)[:1]
    assert (fault.file, fault.line, fault.field) == ("indicators/harvest.yml", 2, "indicator.unit")
    assert (
        f"'child_test.days' is in {unit} in the source 'baseline_kobo', the indicator in kg" in fault.message
    )
    assert words in fault.message
    assert f"add a conversion from {unit} to kg to programme.yml" in fault.remedy


def test_degrees_have_no_factor(found) -> None:
    faults = found(
        (*DAYS, "days: {question: days, type: integer, unit: degF}"), heat=MASS.replace("kg", "degC")
    )
    assert "zero of its own" in faults[0].message


def test_money_follows_the_year_of_each_wave_at_each_site(rows) -> None:
    baseline = ("sites.yml", "codes: [KE07]", "waves: {baseline: {from: 2024-02-01}}, codes: [KE07]")
    factors = rows("money_factors", TABLES, baseline)
    by_cell = {(row["from_unit"], row["site"], row["wave"]): row for row in factors}
    cell = by_cell["KES/month", "kisumu_east", "endline"]
    exact = Fraction("157.1") / Fraction("151.2") / Fraction("129.3")
    assert 0 <= Fraction(cell["factor"]) - exact < Fraction(1, 10**14)
    assert "151.2" in cell["ground"] and "129.3" in cell["ground"]
    own = Fraction(by_cell["USD/month", "siaya", "baseline"]["factor"])
    assert 0 <= own - Fraction(3221, 3137) < Fraction(1, 10**11)
    assert rows("conversions") == []


def test_a_period_is_converted_with_the_money(rows) -> None:
    yearly = ("indicators/spend.yml", "unit: USD/month", "unit: USD_PPP_2025/year")
    factors = rows("money_factors", TABLES, yearly)
    told = next(row for row in factors if row["from_unit"] == "KES/month")
    exact = 12 * Fraction("157.1") / Fraction("151.2") / Fraction("45.1")
    assert 0 <= Fraction(told["factor"]) - exact < Fraction(1, 10**12)


def test_a_year_without_its_price_warns_and_has_no_factor(found, rows) -> None:
    late = (
        "sites.yml",
        "{endline: {closes: 2025-02-28}}",
        "{endline: {from: 2026-01-01, closes: 2026-02-28}}",
    )
    (fault,) = found(TABLES, late, ("programme.yml", ", frozen: 2025-06-30", ""))
    assert (fault.severity, fault.file, fault.field) == ("error", "indicators/spend.yml", "indicator.unit")
    assert "endline_redcap" in fault.message and "no deflator of USD for 2026" in fault.message
    assert "money.deflators" in fault.remedy


def test_only_some_cells_without_a_price_are_a_warning(found, rows) -> None:
    early = ("sites.yml", "codes: [KE07]", "waves: {baseline: {from: 2023-12-01}}, codes: [KE07]")
    (fault,) = found(TABLES, early)
    assert fault.severity == "warning"
    assert "at siaya in baseline it has no conversion, and so no value" in fault.message
    missing = [row for row in rows("money_factors") if row["factor"] is None]
    assert {(row["from_unit"], row["site"], row["wave"]) for row in missing} == {
        ("KES/month", "siaya", "baseline"),
        ("USD/month", "siaya", "baseline"),
    }
    assert all("no deflator" in row["ground"] for row in missing)


def test_raw_money_of_two_sites_refuses_to_pool(found, rows) -> None:
    own = (
        ("sites.yml", "site: kisumu_east\n", "site: kisumu_east\n  currency: KES\n"),
        ("sites.yml", "site: siaya,", "site: siaya, currency: UGX,"),
        ("indicators/spend.yml", "USD/month", "KES/month"),
        ("sources.yml", "  units: {child_test.spend: USD/month}\n", ""),
    )
    (fault,) = found(*own)
    assert fault.severity == "warning" and "raw money of two places is never pooled" in fault.message
    factors = {(row["site"], row["factor"]) for row in rows("money_factors")}
    assert factors == {("kisumu_east", 1), ("siaya", None)}


def test_the_money_of_each_site_refuses_to_pool_under_one_name(found) -> None:
    faults = found(
        ("sites.yml", "site: kisumu_east\n", "site: kisumu_east\n  currency: KES\n"),
        ("sites.yml", "site: siaya,", "site: siaya, currency: UGX,"),
        ("instruments/child_test.yml", "unit: KES/month", "unit: LCU/month"),
        ("indicators/spend.yml", "USD/month", "LCU/month"),
    )
    assert {fault.severity for fault in faults} == {"error"}
    assert all("LCU is the money of each site (KES, UGX)" in fault.message for fault in faults)


def test_a_number_without_a_unit_makes_no_money(found) -> None:
    (fault,) = {fault.message for fault in found(harvest=MASS.replace("kg", "USD/month"))}
    assert fault == "'child_test.days' has no unit, but is wanted in USD/month"


def test_a_threshold_says_its_unit_and_is_converted_to_it(found, rows) -> None:
    poor = """\
title: Poor
unit: percent
statistic: share
of: child_test.spend
threshold: {below: 2.15, unit: USD_PPP_2025/day}
direction: lower_is_better
"""
    assert found(TABLES, poor=poor) == []
    terms = {row["indicator"]: row["to_unit"] for row in rows("indicator_terms", poor=poor)}
    assert terms["poor"] == "USD_PPP_2025/day"
    (fault,) = found(poor=poor.replace(", unit: USD_PPP_2025/day", ""))
    assert (fault.field, fault.line) == ("indicator.threshold", 5)
    assert "is in KES/month" in fault.message and "add unit: KES/month" in fault.remedy


RATIO = """\
title: Spending for each day
unit: USD/month/day
statistic: ratio
numerator: child_test.spend
denominator: child_test.days
direction: higher_is_better
"""


def test_a_ratio_s_numerator_is_converted_so_that_the_whole_has_its_unit(found, rows) -> None:
    days = (*DAYS, "days: {question: days, type: integer, unit: day}")
    assert found(TABLES, days, ratio=RATIO) == []
    wanted = {
        row["term"]: row["to_unit"]
        for row in rows("indicator_terms", ratio=RATIO)
        if row["indicator"] == "ratio"
    }
    assert wanted == {"numerator": "USD/month/day*day", "denominator": "day"}
    faults = found(ratio=RATIO.replace("USD/month/day", "kg/day"))
    assert faults and all("not both money" in fault.message for fault in faults)


def test_a_ratio_of_two_amounts_of_one_money_needs_no_table(found) -> None:
    share = RATIO.replace("USD/month/day", "percent").replace("child_test.days", "child_test.spend")
    (fault,) = found(share=share)
    assert "raw money of two places is never pooled" in fault.message
    assert found(("sources.yml", "  units: {child_test.spend: USD/month}\n", ""), share=share) == []


def test_with_tables_amounts_of_two_currencies_make_one_share(found, rows) -> None:
    share = RATIO.replace("USD/month/day", "percent").replace("child_test.days", "child_test.spend")
    assert found(TABLES, share=share) == []
    terms = [row for row in rows("indicator_terms", share=share) if row["indicator"] == "share"]
    assert {(row["term"], row["to_unit"]) for row in terms} == {
        ("numerator", "USD/month"),
        ("denominator", "USD/month"),
    }


def test_the_house_s_own_money_tables_are_checked(found) -> None:
    twice = MONEY.replace("year: 2024, index: 313.7", "year: 2025, index: 313.7")
    (fault,) = found(("programme.yml", CONVERSION, twice))[:1]
    assert (fault.field, fault.message) == ("programme.money.deflators.3", "USD of 2025 is given twice")
    (fault,) = found(("programme.yml", "currency: {base: USD", "currency: {base: DOLLAR"))[:1]
    assert fault.field == "programme.currency.base" and "ISO 4217" in fault.remedy


def test_one_unit_for_the_money_of_two_countries_is_a_fault(found) -> None:
    raw = (
        ("sites.yml", "site: kisumu_east\n", "site: kisumu_east\n  country: KE\n"),
        ("sites.yml", "site: siaya,", "site: siaya, country: UG,"),
        ("indicators/spend.yml", "USD/month", "KES/month"),
        ("sources.yml", "  units: {child_test.spend: USD/month}\n", ""),
    )
    (fault,) = found(*raw)
    assert (fault.severity, fault.field) == ("error", "indicator.unit")
    assert "KES/month wherever it is asked, in KE and UG" in fault.message
    assert "currency: KES" in fault.remedy


def test_raw_money_of_two_years_in_one_wave_warns(found) -> None:
    (fault,) = found(
        ("indicators/spend.yml", "USD/month", "KES/month"),
        ("sources.yml", "  units: {child_test.spend: USD/month}\n", ""),
        ("sites.yml", "codes: [KE07]", "waves: {baseline: {from: 2023-12-01}}, codes: [KE07]"),
    )
    assert fault.severity == "warning" and "in the prices of 2023 and 2024" in fault.message
    assert "unit: KES_2024/month" in fault.remedy


def test_cut_offs_fixed_after_registration_warn(found) -> None:
    winsor = "unit: USD/month\nwinsor: {low: 0, high: 500, frozen_on: 2024-01-10, ground: pilot}"
    assert found(("indicators/spend.yml", "unit: USD/month", winsor)) == []
    (fault,) = found(("indicators/spend.yml", "2024-01-10", "2024-01-11"))
    assert (fault.severity, fault.field, fault.line) == ("warning", "indicator.winsor.frozen_on", 3)
    assert "'endline_2024' was registered, on 2024-01-10" in fault.message


# Text instead of the unit's line, field of the fault, words of its message, words of its remedy
REFUSED = [
    ("transform: log\nrole: primary\nsmallest_effect: 1", "indicator.role", "no verdict", "exploratory"),
    ("transform: sqrt", "indicator.transform", "not known", "log"),
    ("threshold: {at_least: 4}", "indicator.threshold", "no meaning for statistic amount", "share"),
    ("per: 0", "indicator.per", "greater", "rate or ratio"),
    (
        "winsor: {low: 5, high: 5, frozen_on: 2024-01-10, ground: x}",
        "indicator.winsor.low",
        "not below",
        "correct",
    ),
    ("winsor: {frozen_on: 2024-01-10, ground: x}", "indicator.winsor", "no cut-off", "low, high"),
    ("winsor: {high: 5, ground: x}", "indicator.winsor.frozen_on", "missing", "Day on which"),
    ("winsor: {high: .inf, frozen_on: 2024-01-10, ground: x}", "indicator.winsor.high", "", ""),
    ("numerator: child_test.days", "indicator.numerator", "has no 'numerator'", "remove"),
    ("change_from_baseline: maybe", "indicator.change_from_baseline", "bool", "minus"),
]


@pytest.mark.parametrize(("text", "field", "message", "remedy"), REFUSED)
def test_what_does_not_fit_a_statistic_is_refused_with_its_field(found, text, field, message, remedy) -> None:
    faults = found(("indicators/spend.yml", "unit: USD/month", f"unit: USD/month\n{text}"))
    fault = next(fault for fault in faults if fault.field == field)
    assert message in fault.message and remedy in fault.remedy


SHARE = "statistic: share\nof: child_test.reads"


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("threshold: {}", "indicator.threshold", "no number"),
        ("threshold: {at_least: 4, above: 3}", "indicator.threshold", "two lower"),
        ("threshold: {between: [5, 4]}", "indicator.threshold", "above its upper"),
        ("threshold: {at_least: 4}", "indicator.of", "makes no share"),
        ("change_from_baseline: true", "indicator.change_from_baseline", "no meaning for statistic share"),
    ],
)
def test_a_threshold_is_a_line_on_a_number(found, text, field, message) -> None:
    (fault,) = found(("indicators/reads_pct.yml", SHARE, f"{SHARE}\n{text}"))
    assert fault.field == field and message in fault.message
