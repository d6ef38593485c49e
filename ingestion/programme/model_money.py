"""The shape of programme.yml's money tables: frozen, dated rows by currency and year.

In: parts of programme.yml. Out: `Currency`, `MoneyTables`. What is reckoned from them is in `money`.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ingestion.programme.currencies import CURRENCIES
from ingestion.programme.words import Day, Factor, Part, Text, refusal


def _known(code: str) -> str:
    if code not in CURRENCIES:
        raise refusal(f"'{code}' is no currency", "write its ISO 4217 code, e.g. KES")
    return code


CurrencyCode = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_known)]
Year = Annotated[int, Field(ge=1900, le=2200)]


class Currency(Part):
    """The currency and the prices in which amounts are published."""

    base: CurrencyCode = Field(description="Currency code, e.g. USD.")
    price_year: Year = Field(description="Year of the prices.")
    convert: Literal["exchange", "ppp"] = Field(
        "exchange", description="Whether local money becomes the base by exchange rates or purchasing power."
    )


class Rate(Part):
    """What one unit of the base currency is worth in another, in one year."""

    currency: CurrencyCode
    year: Year
    per_base: Factor = Field(description="Units of the currency for one of the base (of ppp: one US dollar).")
    dated: Day = Field(description="Day on which the rate was taken.")
    ground: Text = Field(description="Where the rate comes from.")


class Deflator(Part):
    """The price level of a currency's country in one year, on any base."""

    currency: CurrencyCode
    year: Year
    index: Factor = Field(description="Price level, e.g. of consumer prices; only ratios of it count.")
    dated: Day = Field(description="Day on which the index was taken.")
    ground: Text = Field(description="Where the index comes from.")


class MoneyTables(Part):
    """Frozen rates and price levels, never tonight's."""

    exchange: list[Rate] = Field(default_factory=list)
    ppp: list[Rate] = Field(default_factory=list)
    deflators: list[Deflator] = Field(default_factory=list)

    @model_validator(mode="after")
    def _once(self) -> "MoneyTables":
        for name in ("exchange", "ppp", "deflators"):
            seen: set[tuple[str, int]] = set()
            for place, row in enumerate(getattr(self, name)):
                if (row.currency, row.year) in seen:
                    message = f"{row.currency} of {row.year} is given twice"
                    raise refusal(message, "keep one of the two rows", f"{name}.{place}")
                seen.add((row.currency, row.year))
        return self
