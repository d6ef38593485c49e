"""Registry rows of conversions: declared by the programme, by definition, or by its tables of money.

In: a `Programme`. Out: rows by table. Nothing here depends on the night: rates are frozen rows of the YAML.
"""

from collections.abc import Iterator

from ingestion.programme.conversions import declared, fixed_factor, is_money, site_factors, terms
from ingestion.programme.model import Programme
from ingestion.programme.registry_schemas import Row
from ingestion.programme.units import NoConversion


def unit_rows(programme: Programme) -> dict[str, list[Row]]:
    """Rows of the tables that convert units; a pair of units that nothing converts has none."""
    given = declared(programme)
    pairs = sorted(
        {
            (term.unit, term.wanted)
            for term in terms(programme.indicators, programme.sources, programme.item, programme)
            if term.unit is not None and term.wanted is not None
        }
        - given
    )
    names = ("from_unit", "to_unit", "factor", "dated", "ground")
    conversions: list[Row] = [
        {name: getattr(conversion, name) for name in names} for conversion in programme.conversions
    ]
    money: list[Row] = []
    for unit, wanted in pairs:
        try:
            if is_money(unit, wanted, programme, programme.sites):
                money += _money(unit, wanted, programme)
            elif unit != wanted:
                exact, ground = fixed_factor(unit, wanted)
                conversions.append({"from_unit": unit, "to_unit": wanted, "factor": exact, "ground": ground})
        except NoConversion:
            continue
    return {"conversions": conversions, "money_factors": money}


def _money(unit: str, wanted: str, programme: Programme) -> Iterator[Row]:
    for cell in site_factors(unit, wanted, programme, programme.sites):
        yield {
            "from_unit": unit,
            "to_unit": wanted,
            **{name: getattr(cell, name) for name in ("site", "wave", "factor", "dated", "ground")},
        }
