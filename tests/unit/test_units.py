"""Units are converted by exact factors where their dimensions agree, and by no guess where they do not."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.programme.units import Money, NoConversion, as_decimal, factor, parse

SAME_DIMENSION = [
    ["mg", "g", "kg", "tonne", "pound", "ounce", "stone"],
    ["second", "minute", "hours", "day", "week", "month", "year"],
    ["mm", "cm", "m", "km", "inch", "foot", "yard", "mile"],
    ["ml", "litre", "cup", "tablespoon", "gallon", "cm3", "m^3"],
    ["m2", "ha", "acre", "km**2", "hectares"],
    ["words/minute", "words/hour", "words/day"],
    ["KES/month", "KES/year", "KES/week"],
    ["children*days/week", "days*children/year"],
]
PAIRS = st.sampled_from(SAME_DIMENSION).flatmap(lambda units: st.tuples(*[st.sampled_from(units)] * 3))


@pytest.mark.parametrize(
    ("unit", "wanted", "expected"),
    [
        ("kg", "g", Fraction(1000)),
        ("minutes", "hours", Fraction(1, 60)),
        ("words/minute", "words/hour", Fraction(60)),
        ("pound", "kg", Fraction(45359237, 10**8)),
        ("inch", "cm", Fraction(254, 100)),
        ("m2", "ha", Fraction(1, 10000)),
        ("kg/ha", "g/m2", Fraction(1, 10)),
        ("kWh", "MJ", Fraction(36, 10)),
        ("week", "day", Fraction(7)),
        ("year", "month", Fraction(12)),
        ("month", "day", Fraction(36525, 100) / 12),
        ("1/month", "1/year", Fraction(12)),
        ("kg/1000 * ha", "g*ha", Fraction(1)),
        ("goats", "goats", Fraction(1)),
    ],
)
def test_factors_are_those_of_the_definitions_and_exact(unit, wanted, expected) -> None:
    assert factor(unit, wanted) == expected


@given(PAIRS)
def test_going_there_and_back_changes_nothing_and_a_detour_neither(units) -> None:
    here, there, over = units
    assert factor(here, there) * factor(there, here) == 1
    assert factor(here, over) * factor(over, there) == factor(here, there)


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("kg", "litre"),
        ("hours", "hours/week"),
        ("m", "m2"),
        ("words/minute", "letters/minute"),
        ("points", "inches"),
        ("hands", "cm"),
        ("grade", "degrees"),
        ("cats", "pascal"),
        ("Points", "points"),
        ("ton", "kg"),
    ],
)
def test_other_dimensions_and_mere_words_are_refused_by_name(unit, wanted) -> None:
    with pytest.raises(NoConversion, match=f"{unit} and {wanted} measure different things") as refused:
        factor(unit, wanted)
    assert f"add a conversion from {unit} to {wanted}" in refused.value.remedy


@pytest.mark.parametrize(("unit", "wanted"), [("degC", "kelvin"), ("degF", "degC"), ("degC", "degF")])
def test_a_scale_with_a_zero_of_its_own_has_no_factor(unit, wanted) -> None:
    with pytest.raises(NoConversion, match="zero of its own"):
        factor(unit, wanted)


def test_every_unit_is_equal_to_itself_whatever_it_is() -> None:
    for unit in ("degC", "points", "days per 100 school days", "percent", "Kelvin's own"):
        assert factor(unit, unit) == 1


@given(st.text(alphabet="kgmh/ *^23_%()KESaé0", max_size=20))
def test_no_text_breaks_the_reading_of_a_unit(text) -> None:
    try:
        assert factor(text, text) == 1
    except NoConversion as refused:
        assert refused.remedy


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("KES/month", Money("KES")),
        ("USD_2021/year", Money("USD", False, 2021)),
        ("USD_PPP_2017/day", Money("USD", True, 2017)),
        ("LCU/month", Money("LCU")),
        ("KES/month/USD", None),
        ("KES/KES", None),
        ("BMI", None),
    ],
)
def test_money_is_known_by_its_code_its_year_and_what_it_buys(text, money) -> None:
    if text == "KES/month/USD":
        with pytest.raises(NoConversion, match="otherwise than once"):
            parse(text)
    else:
        assert parse(text).money == money


def test_a_factor_that_ends_is_kept_to_its_last_digit() -> None:
    assert as_decimal(Fraction(45359237, 10**8)) == Decimal("0.45359237")
    assert as_decimal(Fraction(1, 10**18)) == Decimal("1E-18")
    assert as_decimal(Fraction(123456789012345678, 10**18)) == Decimal("0.123456789012345678")
    assert as_decimal(Fraction(1, 10**19)) is None
    assert as_decimal(Fraction(10**18)) is None


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_factor_that_never_ends_is_rounded_so_that_half_a_step_stays_half_a_step(
    above, below, half
) -> None:
    exact = Fraction(above, below)
    kept = Fraction(as_decimal(exact))
    assert exact <= kept <= exact * (1 + Fraction(1, 10**11))
    assert Fraction(2 * half + 1, 2) / exact * kept >= Fraction(2 * half + 1, 2)
