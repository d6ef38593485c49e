"""Registry rows of what money told in each currency and year is worth in the programme's own prices.

In: a `Programme`. Out: rows by table; none where no register of costs is kept. A register's rows name their
currency and price year themselves, so every pair that the tables could convert is worked out here.
"""

from collections.abc import Iterator

from ingestion.programme.conversions import wave_year
from ingestion.programme.model import Programme
from ingestion.programme.model_money import Currency
from ingestion.programme.money import Prices, worth
from ingestion.programme.registry_schemas import Row
from ingestion.programme.units import Money, NoConversion, as_decimal


def cost_rows(programme: Programme) -> dict[str, list[Row]]:
    """Rows of `cost_factors`; a pair that nothing converts has no factor, and its ground says why."""
    if programme.currency is None or not any(source.kind == "costs" for source in programme.sources):
        return {}
    return {"cost_factors": list(_factors(programme, programme.currency))}


def _factors(programme: Programme, currency: Currency) -> Iterator[Row]:
    prices = Prices(currency, programme.money)
    base = Money(currency.base, year=currency.price_year)
    for name in sorted(_currencies(programme, currency)):
        for year in sorted(_years(programme, currency)):
            row = {"currency": name, "price_year": year}
            try:
                found = worth(Money(name, year=year), base, year, prices)
            except NoConversion as why:
                yield row | {"ground": f"{why}: {why.remedy}"}
            else:
                exact = as_decimal(found.factor)
                ground = found.ground if exact else f"{name} and {currency.base} are too far apart"
                yield row | {"factor": exact, "dated": found.dated, "ground": ground}


def _currencies(programme: Programme, currency: Currency) -> set[str]:
    tables = programme.money
    local = {site.currency for site in programme.sites if site.currency}
    rated = {row.currency for row in (*tables.exchange, *tables.ppp)} if tables else set()
    deflated = {row.currency for row in tables.deflators} if tables else set()
    return {currency.base} | local | rated | deflated


def _years(programme: Programme, currency: Currency) -> set[int]:
    waves = {wave_year(site, wave) for site in programme.sites for wave in programme.waves}
    deflated = {row.year for row in (programme.money.deflators if programme.money else ())}
    return {currency.price_year} | waves | deflated
