"""Which conversions a programme's indicators need, and what each of them is.

In: indicators, sources, items, sites and the head of a programme. Out: for every term of an indicator the
unit it is wanted in; for every pair of units a factor, or one for each site and wave. A conversion that the
programme declares goes before all others.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from ingestion.programme.model import Head, Indicator, Item, Site, Source, Wave
from ingestion.programme.model_indices import INDICES
from ingestion.programme.money import Prices, price_year, shared, worth
from ingestion.programme.units import (
    LOCAL_CURRENCY,
    NoConversion,
    as_decimal,
    factor,
    in_currency,
    is_same_kind,
    money_in,
    parse,
    pint_ground,
)

ItemOf = Callable[[str], Item | None]
_OF_THE_INDICATOR = frozenset({"share", "rate", "ratio", "scale_sum", "scale_mean", *INDICES})
"""Statistics whose unit is not that of the item."""


@dataclass(frozen=True)
class Term:
    """One item that an indicator reads from one source: the unit it is in and the unit it is wanted in."""

    indicator: Indicator
    part: str
    reference: str
    source: Source
    unit: str | None
    wanted: str | None


@dataclass(frozen=True)
class SiteFactor:
    """What money is worth at one site and wave; without a factor the ground says why."""

    site: str
    wave: str
    factor: Decimal | None
    dated: date | None
    ground: str
    remedy: str = ""


def wanted_unit(indicator: Indicator, part: str, reference: str, item_of: ItemOf, head: Head) -> str | None:
    """The unit in which an indicator reckons with an item; None where it takes the numbers as they are.

    A mean, amount or sum reckons in its own unit, a share in its threshold's, a ratio so that its numerator
    over its denominator has its unit; everything else in the unit that the instrument states.
    """
    if indicator.over_repeat == "count":
        return None
    if indicator.statistic == "share":
        return indicator.threshold.unit if indicator.threshold else None
    if indicator.statistic not in _OF_THE_INDICATOR:
        return indicator.unit
    if indicator.numerator and indicator.denominator:
        units = (_unit_of(indicator.numerator, item_of), _unit_of(indicator.denominator, item_of))
        return _ratio_units(indicator.unit, *units, head)[part == "denominator"]
    return _unit_of(reference, item_of)


def _ratio_units(
    unit: str, above: str | None, below: str | None, head: Head
) -> tuple[str | None, str | None]:
    """The units in which a ratio's numerator and denominator are wanted, of those that the instrument states.

    Where the ratio's unit is a mere word (percent) both are wanted in one unit, and in the base currency if
    they are money that the programme has tables for: so amounts of two currencies make one share.
    """
    if above is None or below is None:
        return above, below
    if is_same_kind(above, product := f"{unit}*{below}") or not parse(unit).is_plain:
        return product, below
    if not is_same_kind(above, below):
        return above, below
    both = in_currency(below, head.currency.base) if head.currency and head.money else below
    return both, both


def _unit_of(reference: str, item_of: ItemOf) -> str | None:
    item = item_of(reference)
    return item.unit if item else None


def terms(
    indicators: Iterable[Indicator], sources: Iterable[Source], item_of: ItemOf, head: Head
) -> Iterator[Term]:
    """Every item that an indicator reads, by source."""
    listed = list(sources)
    for indicator in indicators:
        for part, reference in indicator.terms:
            item = item_of(reference)
            wanted = wanted_unit(indicator, part, reference, item_of, head)
            for source in listed:
                if item is not None and source.instrument == reference.partition(".")[0]:
                    unit = source.units.get(reference, item.unit)
                    yield Term(indicator, part, reference, source, unit, wanted)


def is_money(unit: str, wanted: str, head: Head, sites: Iterable[Site]) -> bool:
    """Whether what one unit is worth in the other depends on prices, and so on the site and the wave.

    Raises:
        NoConversion: One is money and the other is not.
    """
    source, target = money_in(unit), money_in(wanted)
    if (source is None) != (target is None):
        raise NoConversion(f"{unit} and {wanted} are not both money", "correct one of the two units")
    if source is None or target is None:
        return False
    is_local = LOCAL_CURRENCY in (source.currency, target.currency)
    return unit != wanted or is_local or head.money is not None or any(site.currency for site in sites)


def is_raw(unit: str, head: Head) -> bool:
    """Whether a unit is money as it was told, in the prices of no stated year."""
    money = money_in(unit)
    return money is not None and price_year(money, Prices(head.currency, head.money)) is None


def is_base(unit: str, head: Head) -> bool:
    """Whether a unit is the base currency's money."""
    money = money_in(unit)
    return money is not None and head.currency is not None and money.currency == head.currency.base


def fixed_factor(unit: str, wanted: str) -> tuple[Decimal, str]:
    """The factor of two units that are no money, and its ground.

    Raises:
        NoConversion: Their dimensions differ, or no decimal holds the factor.
    """
    return _held(factor(unit, wanted), unit, wanted), pint_ground()


def site_factors(unit: str, wanted: str, head: Head, sites: list[Site]) -> Iterator[SiteFactor]:
    """What money of one unit is worth in the other, for every site and wave.

    Raises:
        NoConversion: What is not money in them differs.
    """
    source, target = money_in(unit), money_in(wanted)
    assert source is not None and target is not None, "asked of money only"
    rest = factor(unit, wanted)
    prices = Prices(head.currency, head.money)
    currencies = {site.currency for site in sites}
    for site in sites:
        for wave in head.waves:
            try:
                year = wave_year(site, wave)
                found = worth(source, shared(target, currencies), year, prices, site.currency)
                exact = _held(rest * found.factor, unit, wanted)
            except NoConversion as why:
                yield SiteFactor(site.site, wave.wave, None, None, str(why), why.remedy)
            else:
                yield SiteFactor(site.site, wave.wave, exact, found.dated, found.ground)


def wave_year(site: Site, wave: Wave) -> int:
    """The year in which a site tells its amounts: that of the wave's first day there."""
    own = site.waves.get(wave.wave)
    return ((own and own.from_date) or wave.from_date).year


def declared(head: Head) -> set[tuple[str, str]]:
    """The pairs of units that the programme converts itself."""
    return {(conversion.from_unit, conversion.to_unit) for conversion in head.conversions}


def _held(exact: Fraction, unit: str, wanted: str) -> Decimal:
    found = as_decimal(exact)
    if found is None:
        raise NoConversion(f"{unit} and {wanted} are too far apart", "write the indicator in a nearer unit")
    return found
