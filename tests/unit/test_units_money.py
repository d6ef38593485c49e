"""Money is brought to one year's prices first, then to one currency, by frozen rows, or not at all."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.programme.model_money import Currency, MoneyTables
from ingestion.programme.money import Prices, shared, worth
from ingestion.programme.units import Money, NoConversion

DAY = {"dated": date(2026, 1, 31), "ground": "a test"}
TABLES = {
    "exchange": [("KES", 2025, "129.3"), ("UGX", 2025, "3650"), ("KES", 2021, "109.6")],
    "ppp": [("KES", 2025, "45.1"), ("KES", 2017, "38.8"), ("EUR", 2025, "0.69")],
    "deflators": [
        ("KES", 2017, "100"),
        ("KES", 2021, "125.5"),
        ("KES", 2024, "151.2"),
        ("KES", 2025, "157.1"),
        ("USD", 2024, "313.7"),
        ("USD", 2025, "322.1"),
        ("UGX", 2025, "140"),
    ],
}


def prices(convert: str = "exchange", base: str = "USD", **tables: list[tuple[str, int, str]]) -> Prices:
    value = {"exchange": "per_base", "ppp": "per_base", "deflators": "index"}
    rows = {
        name: [{"currency": code, "year": year, value[name]: number} | DAY for code, year, number in listed]
        for name, listed in (TABLES | tables).items()
    }
    currency = Currency(base=base, price_year=2025, convert=convert)
    return Prices(currency, MoneyTables.model_validate(rows))


def q(text: str) -> Fraction:
    return Fraction(text)


@pytest.mark.parametrize(
    ("source", "target", "year", "convert", "expected"),
    [
        # told in 2024: first Kenyan prices of 2025, then the exchange rate of 2025
        (Money("KES"), Money("USD"), 2024, "exchange", q("157.1") / q("151.2") / q("129.3")),
        (Money("KES"), Money("USD"), 2025, "exchange", 1 / q("129.3")),
        (Money("KES"), Money("USD"), 2024, "ppp", q("157.1") / q("151.2") / q("45.1")),
        (Money("KES"), Money("USD", True, 2017), 2024, "exchange", q("100") / q("151.2") / q("38.8")),
        (Money("KES"), Money("USD", True), 2024, "exchange", q("157.1") / q("151.2") / q("45.1")),
        (Money("KES"), Money("USD", False, 2021), 2024, "exchange", q("125.5") / q("151.2") / q("109.6")),
        # the base's own money grows older too
        (Money("USD"), Money("USD"), 2024, "exchange", q("322.1") / q("313.7")),
        (Money("USD"), Money("USD"), 2025, "ppp", Fraction(1)),
        # an amount whose year is told does not care when it was asked
        (Money("KES", False, 2021), Money("USD"), 2024, "exchange", q("157.1") / q("125.5") / q("129.3")),
        (Money("KES"), Money("KES", False, 2021), 2024, "exchange", q("125.5") / q("151.2")),
        # through the base to a third currency
        (Money("KES"), Money("UGX", False, 2025), 2025, "exchange", q("3650") / q("129.3")),
        (Money("USD", True, 2024), Money("USD", True, 2025), 2030, "ppp", q("322.1") / q("313.7")),
    ],
)
def test_an_amount_is_deflated_at_home_and_then_exchanged(source, target, year, convert, expected) -> None:
    assert worth(source, target, year, prices(convert)).factor == expected


def test_the_ground_names_the_rows_and_their_latest_day() -> None:
    found = worth(Money("KES"), Money("USD"), 2024, prices())
    assert "KES prices of 2024 to 2025: 157.1/151.2 (a test)" in found.ground
    assert "by exchange: 129.3 KES (a test)" in found.ground
    assert found.dated == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("source", "target", "year", "message", "remedy"),
    [
        (Money("KES"), Money("USD"), 2023, "no deflator of KES for 2023", "money.deflators"),
        (Money("UGX"), Money("USD"), 2024, "no deflator of UGX for 2024", "money.deflators"),
        (Money("TZS"), Money("USD"), 2025, "no exchange rate of TZS for 2025", "money.exchange"),
        (Money("UGX"), Money("USD", True, 2025), 2025, "no purchasing power of UGX for 2025", "money.ppp"),
        (Money("UGX"), Money("KES"), 2025, "never pooled", "base currency"),
        (Money("KES", True, 2025), Money("USD"), 2025, "what it buys", "PPP"),
        (Money("LCU"), Money("USD"), 2025, "currency is not known", "currency: KES"),
    ],
)
def test_a_missing_row_and_raw_money_of_two_places_are_refused(source, target, year, message, remedy) -> None:
    with pytest.raises(NoConversion, match=message) as refused:
        worth(source, target, year, prices())
    assert remedy in refused.value.remedy


def test_raw_money_counts_only_at_sites_of_that_money() -> None:
    assert worth(Money("KES"), Money("KES"), 2024, prices(), "KES").factor == 1
    with pytest.raises(NoConversion, match="UGX is not KES, and raw money of two places is never pooled"):
        worth(Money("KES"), Money("KES"), 2024, prices(), "UGX")


def test_the_money_of_each_site_is_one_money_only_where_all_share_it() -> None:
    assert worth(Money("LCU"), Money("USD"), 2025, prices(), "KES").factor == 1 / q("129.3")
    assert shared(Money("LCU"), {"KES"}) == Money("KES")
    for currencies in ({"KES", "UGX"}, {"KES", None}, {None}, set()):
        with pytest.raises(NoConversion, match="never pooled"):
            shared(Money("LCU"), currencies)


def test_without_tables_money_is_taken_as_it_was_told_and_converted_into_none() -> None:
    bare = Prices(Currency(base="USD", price_year=2025), None)
    assert worth(Money("USD"), Money("USD"), 2019, bare, "KES").factor == 1
    with pytest.raises(NoConversion, match="no table says what KES is worth in USD"):
        worth(Money("KES"), Money("USD"), 2019, bare)
    with pytest.raises(NoConversion, match="of which year"):
        worth(Money("USD"), Money("USD", True), 2019, Prices(None, None))


RATES = st.decimals("0.01", "9999", places=2)


@given(RATES, RATES, RATES, RATES)
def test_the_same_real_amount_is_worth_the_same_whichever_year_it_was_told_in(
    rate, other, early, late
) -> None:
    table = prices(
        exchange=[("KES", 2025, str(rate)), ("UGX", 2025, str(other))],
        deflators=[("KES", 2020, str(early)), ("KES", 2025, str(late))],
    )
    told_early = Fraction(early) * worth(Money("KES"), Money("USD"), 2020, table).factor
    told_late = Fraction(late) * worth(Money("KES"), Money("USD"), 2025, table).factor
    assert told_early == told_late
    over = worth(Money("KES"), Money("UGX", False, 2025), 2025, table).factor
    assert over == worth(Money("KES"), Money("USD"), 2025, table).factor * Fraction(other)
