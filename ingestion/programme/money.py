"""What an amount of money told in one year and place is worth in another currency and another year's prices.

In: two units with money in them, the year of the wave, the programme's frozen tables. Out: an exact factor
with its ground in words, or why there is none. In this order, so that the rates of a single year serve every
wave:

    local money of the year t  x  deflator[T] / deflator[t]            = local money at prices of T
    at prices of T             x  rate of the target[T] / own rate[T]  = the target's money at prices of T

where the rate is units of a currency for one of the base: by exchange, or by purchasing power (wherever the
unit says PPP; everywhere, if the programme converts by ppp). T is the year in the unit, else the programme's
price year; t the year in the item's unit, else that of the wave's first day at the site. Raw money (no year,
not the base) is as it was told and of one currency. The parts of a unit that are no money (per month, per
hectare) are `units`' task.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import prod

from ingestion.programme.model_money import Currency, MoneyTables, Rate
from ingestion.programme.units import LOCAL_CURRENCY, Money, NoConversion


@dataclass(frozen=True)
class Worth:
    """How many of the target one of the source is, with the rows it rests on and the latest one's date."""

    factor: Fraction
    dated: date | None
    ground: str


@dataclass(frozen=True)
class Prices:
    """The programme's currency and tables; a programme may have neither."""

    currency: Currency | None
    tables: MoneyTables | None


def worth(source: Money, target: Money, year: int, prices: Prices, local: str | None = None) -> Worth:
    """What one of `source`, told in `year` at a site whose currency is `local`, is in `target`.

    Raises:
        NoConversion: A row is missing, or the target is raw money of another place.
    """
    source = _here(source, local)
    wanted = price_year(target, prices)
    places = {source.currency, target.currency} | (
        {local} if local and not _is_base(target, prices) else set()
    )
    if wanted is None and len(places) > 1:
        raise _raw(min(places - {target.currency}), target.currency, prices)
    by_ppp = target.is_ppp or (_is_base(target, prices) and _converts_by_ppp(prices))
    if source.is_ppp and not by_ppp:
        message = f"{source.currency}_PPP is worth what it buys, which no exchange rate tells"
        raise NoConversion(message, f"write the indicator's unit in {source.currency}_PPP")
    told = source.year or year
    found = [_deflated(source.currency, told, wanted or year, prices)]
    if source.currency != target.currency and wanted is not None:
        found.append(_exchanged(source.currency, target.currency, wanted, by_ppp, prices))
    dates = [one.dated for one in found if one.dated]
    ground = "; ".join(one.ground for one in found if one.ground)
    return Worth(
        prod((one.factor for one in found), start=Fraction(1)),
        max(dates, default=None),
        ground or "the same money",
    )


def price_year(target: Money, prices: Prices) -> int | None:
    """The year whose prices the target counts in; None for raw money, of whichever year it was told."""
    if target.year is not None:
        return target.year
    if target.is_ppp and prices.currency is None:
        own = "currency: {base: .., price_year: ..}"
        remedy = f"write {target.currency}_PPP_2021, or add {own} to programme.yml"
        raise NoConversion(f"nothing says of which year {target.currency}_PPP is", remedy)
    # Without tables the base is taken as it was told, as any other currency is.
    is_priced = target.is_ppp or (_is_base(target, prices) and prices.tables is not None)
    return prices.currency.price_year if prices.currency and is_priced else None


def _is_base(target: Money, prices: Prices) -> bool:
    return prices.currency is not None and target.currency == prices.currency.base


def _converts_by_ppp(prices: Prices) -> bool:
    return prices.currency is not None and prices.currency.convert == "ppp"


def _raw(currency: str, target: str, prices: Prices) -> NoConversion:
    if _is_base(Money(target), prices):
        return NoConversion(
            f"no table says what {currency} is worth in {target}",
            "add money: {exchange: [...], deflators: [...]} to programme.yml",
        )
    return NoConversion(
        f"{currency} is not {target}, and raw money of two places is never pooled",
        "write the indicator's unit in the base currency, e.g. USD/month, with money tables in programme.yml",
    )


def shared(target: Money, currencies: set[str | None]) -> Money:
    """The target, where LCU stands for the one currency that all sites share.

    Raises:
        NoConversion: The sites have several currencies, or some do not say theirs.
    """
    if target.currency != LOCAL_CURRENCY:
        return target
    if len(currencies) == 1 and (only := next(iter(currencies))):
        return Money(only, target.is_ppp, target.year)
    told = ", ".join(sorted(currency or "not told" for currency in currencies))
    message = (
        f"{LOCAL_CURRENCY} is the money of each site ({told}), and raw money of two places is never pooled"
    )
    remedy = "write the indicator's unit in the base currency, and currency: at every site"
    raise NoConversion(message, remedy)


def _here(money: Money, local: str | None) -> Money:
    if money.currency != LOCAL_CURRENCY:
        return money
    if local is None:
        raise NoConversion("the site's currency is not known", "add currency: KES (its ISO code) to the site")
    return Money(local, money.is_ppp, money.year)


def _deflated(currency: str, told: int, wanted: int, prices: Prices) -> Worth:
    if told == wanted:
        return Worth(Fraction(1), None, "")
    rows = {
        row.year: row
        for row in (prices.tables.deflators if prices.tables else ())
        if row.currency == currency
    }
    for year in (told, wanted):
        if year not in rows:
            row = f"{{currency: {currency}, year: {year}, index: ..., dated: ..., ground: ...}}"
            message = f"there is no deflator of {currency} for {year}"
            raise NoConversion(message, f"add {row} to money.deflators of programme.yml")
    before, after = rows[told], rows[wanted]
    ground = f"{currency} prices of {told} to {wanted}: {after.index}/{before.index} ({after.ground})"
    return Worth(Fraction(after.index) / Fraction(before.index), max(before.dated, after.dated), ground)


def _exchanged(source: str, target: str, year: int, by_ppp: bool, prices: Prices) -> Worth:
    own, other = (_rate(currency, year, by_ppp, prices) for currency in (source, target))
    rows = [row for row in (own, other) if row is not None]
    name = "purchasing power" if by_ppp else "exchange"
    ground = f"{source} to {target} of {year} by {name}: " + ", ".join(
        f"{row.per_base} {row.currency} ({row.ground})" for row in rows
    )
    factor = _per_base(other) / _per_base(own)
    return Worth(factor, max((row.dated for row in rows), default=None), ground)


def _per_base(row: Rate | None) -> Fraction:
    return Fraction(row.per_base) if row else Fraction(1)


def _rate(currency: str, year: int, by_ppp: bool, prices: Prices) -> Rate | None:
    """The rate's row; none for the currency it counts in: the base, or USD of purchasing power."""
    name = "ppp" if by_ppp else "exchange"
    table: list[Rate] = getattr(prices.tables, name, [])
    found = next((row for row in table if (row.currency, row.year) == (currency, year)), None)
    counted_in = "USD" if by_ppp else prices.currency.base if prices.currency else None
    if found is None and currency != counted_in:
        row = f"{{currency: {currency}, year: {year}, per_base: ..., dated: ..., ground: ...}}"
        message = f"there is no {'purchasing power' if by_ppp else 'exchange rate'} of {currency} for {year}"
        raise NoConversion(message, f"add {row} to money.{name} of programme.yml")
    return found
