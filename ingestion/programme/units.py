"""Whether an amount of one unit is an amount of another, and by what exact factor.

In: units as the YAML writes them. Out: factors, or why there is none. A unit is words multiplied and
divided: kg, words/minute, KES/month. Words of measures are pint's, by its definitions (a year is 365.25
days and twelve months, a week seven days); money is a currency with its prices, see `money`; any other word
(points, children) is a thing counted, equal only to itself.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_UP, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ingestion.programme.currencies import CURRENCIES

if TYPE_CHECKING:
    import pint

LOCAL_CURRENCY = "LCU"
"""Stands for the currency of the site, whichever that is."""

# pint also knows the point of printers and the hand of horses, words that mean something else where people
# are asked.
_NAMES = """second minute hour day week fortnight month year gram pound ounce stone metric_ton meter inch foot
    yard mile hectare acre are liter gallon quart pint cup fluid_ounce tablespoon teaspoon bushel
    cubic_centimeter joule calorie watt watt_hour kelvin degree_Celsius degree_Fahrenheit pascal bar
    millimeter_Hg byte bit mole volt ampere hertz"""
_MEASURES = frozenset(_NAMES.split())
_PREFIXED = frozenset(
    ["gram", "meter", "liter", "joule", "calorie", "watt", "watt_hour", "pascal", "byte", "mole"]
)
_OWN_ZERO = frozenset(["degree_Celsius", "degree_Fahrenheit"])
_MONEY = re.compile(r"([A-Z]{3})(_PPP)?(?:_(\d{4}))?")
_POWER = re.compile(r"(.*?[A-Za-z_])(?:\^|\*\*)?([23])")
_PLACES, _DIGITS = 18, 12


class NoConversion(Exception):
    """Two units that cannot be converted into each other; the message says why, the remedy what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class Money:
    """A currency and whose prices it is counted in.

    Attributes:
        currency: ISO 4217 code, or LCU for the site's own.
        is_ppp: Whether it is worth what it buys, not what it is exchanged for.
        year: Year of its prices; None: those of the day it was told.
    """

    currency: str
    is_ppp: bool = False
    year: int | None = None


@dataclass(frozen=True)
class Unit:
    """A unit taken apart: money, measures that pint knows and things counted, each with its power."""

    text: str
    money: Money | None = None
    measures: tuple[tuple[str, int], ...] = ()
    things: tuple[tuple[str, int], ...] = ()
    number: Fraction = field(default=Fraction(1))

    @property
    def is_plain(self) -> bool:
        """Whether it is only words for things, of which nothing is known."""
        return self.money is None and not self.measures


@lru_cache(maxsize=4096)
def parse(text: str) -> Unit:
    """A unit's parts.

    Raises:
        NoConversion: It multiplies or divides by money otherwise than once.
    """
    measures: Counter[str] = Counter()
    things: Counter[str] = Counter()
    number = Fraction(1)
    for sign, word in _words(text):
        base, power = _powered(word)
        if re.fullmatch(r"[1-9][0-9]{0,11}", word):
            number *= Fraction(int(word)) ** sign
        elif _money(word):
            continue
        elif (measure := _measure(base)) is not None:
            measures[measure] += sign * power
        else:
            things[word] += sign
    return Unit(text, money_in(text), _sorted(measures), _sorted(things), number)


def money_in(text: str) -> Money | None:
    """The money in a unit, if there is any; money divided by the same money is none.

    Raises:
        NoConversion: It multiplies or divides by money otherwise.
    """
    powers: Counter[Money] = Counter()
    for sign, word in _words(text):
        if found := _money(word):
            powers[found] += sign
    left = {money: power for money, power in powers.items() if power}
    if len(left) > 1 or any(power != 1 for power in left.values()):
        message = f"'{text}' counts money otherwise than once, above the stroke"
        raise NoConversion(message, "write it like KES/month or USD_PPP_2021/year")
    return next(iter(left), None)


def in_currency(text: str, currency: str) -> str:
    """The unit with its money in another currency, in the prices of no stated year."""
    parts = re.split(r"(\W+)", text)
    return "".join(currency if _money(part) else part for part in parts)


def factor(from_text: str, to_text: str) -> Fraction:
    """How many of `to_text` one of `from_text` is; of money, only the part that is no money.

    Raises:
        NoConversion: Their dimensions differ, or one has a zero of its own.
    """
    source, target = parse(from_text), parse(to_text)
    if source.things != target.things:
        raise _differing(from_text, to_text)
    scale = source.number / target.number
    if source.measures == target.measures:
        return scale
    for unit in (source, target):
        if any(name in _OWN_ZERO for name, _ in unit.measures):
            message = f"{unit.text} has a zero of its own, so no factor converts it"
            raise NoConversion(message, f"ask for it in the unit wanted, or write unit: {from_text}")
    known = _pint()
    own, wanted = (known.UnitsContainer(dict(unit.measures)) for unit in (source, target))
    if known.get_dimensionality(own) != known.get_dimensionality(wanted):
        raise _differing(from_text, to_text)
    return scale * Fraction(known.convert(Fraction(1), own, wanted))


def is_same_kind(from_text: str, to_text: str) -> bool:
    """Whether the parts of two units that are no money can be converted."""
    try:
        factor(from_text, to_text)
    except NoConversion:
        return False
    return True


def as_decimal(exact: Fraction) -> Decimal | None:
    """A factor as the registry holds it: exact where it ends within eighteen places; else of twelve digits.

    It is rounded away from zero, so that half a step stays half a step: 0.3 minutes are 0.005 hours. None
    where it does not fit: the two units are worlds apart.
    """
    scaled = exact * 10**_PLACES
    if scaled.denominator == 1:
        found = Decimal(scaled.numerator).scaleb(-_PLACES, Context(prec=60))
    else:
        rounding = Context(prec=_DIGITS, rounding=ROUND_UP)
        found = rounding.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    is_fitting = 0 < found < 10**_PLACES and -int(found.normalize().as_tuple().exponent) <= _PLACES
    return found.normalize(Context(prec=60)) if is_fitting else None


def pint_ground() -> str:
    """Where the factors of measures come from."""
    import pint

    return f"pint {pint.__version__}"


def _words(text: str) -> list[tuple[int, str]]:
    """The words of a unit with the sign of their power; what stands behind a stroke is divided by."""
    parts = re.split(r"(/|(?<!\*)\*(?!\*))", text)
    signs = [1] + [-1 if part == "/" else 1 for part in parts[1::2]]
    return [(sign, word.strip()) for sign, word in zip(signs, parts[::2], strict=True) if word.strip()]


def _powered(word: str) -> tuple[str, int]:
    found = _POWER.fullmatch(word.replace("²", "2").replace("³", "3"))
    return (found[1], int(found[2])) if found else (word, 1)


def _money(word: str) -> Money | None:
    found = _MONEY.fullmatch(word)
    if found is None or found[1] not in CURRENCIES | {LOCAL_CURRENCY}:
        return None
    return Money(found[1], found[2] is not None, int(found[3]) if found[3] else None)


def _measure(word: str) -> str | None:
    if not re.fullmatch(r"[A-Za-zµ_]+", word):
        return None
    for prefix, unit, _ in _pint().parse_unit_name(word):
        if unit in _MEASURES and (not prefix or unit in _PREFIXED):
            return f"{prefix}{unit}"
    return None


@lru_cache(maxsize=1)
def _pint() -> "pint.UnitRegistry[Any]":
    # It takes half a second to import, and most programmes need it only when they are loaded.
    import pint

    return pint.UnitRegistry(non_int_type=Fraction)


def _sorted(powers: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _differing(from_text: str, to_text: str) -> NoConversion:
    return NoConversion(
        f"{from_text} and {to_text} measure different things",
        f"correct one of the two units, or add a conversion from {from_text} to {to_text} to programme.yml",
    )
