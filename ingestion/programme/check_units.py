"""Checks of units: what an indicator reads can be converted into what it is measured in, at every site.

In: `Declared`. Out: faults. A unit that cannot be converted at all stops the programme; a year's price that
is missing from the money tables is a warning, and what it would have converted has no value.
"""

from collections.abc import Iterator

from ingestion.programme.conversions import (
    SiteFactor,
    Term,
    fixed_factor,
    is_base,
    is_money,
    is_raw,
    site_factors,
    terms,
    wave_year,
)
from ingestion.programme.conversions import declared as declared_pairs
from ingestion.programme.declared import Declaration, Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model import Head, Indicator, Site
from ingestion.programme.units import NoConversion, money_in

_Of = Declaration[Indicator]


def check_units(declared: Declared) -> Iterator[Fault]:
    """Faults of the units of indicators/*.yml against those of the items, by source."""
    if declared.head is None:
        return
    sources, sites = sound(declared.sources), sound(declared.sites)
    for declaration in declared.indicators:
        if declaration.value is None:
            continue
        yield from _threshold(declaration, declaration.value, declared)
        found = terms([declaration.value], sources, declared.item, declared.head)
        for term in sorted(found, key=lambda term: (term.reference, term.source.source)):
            yield from _term(declaration, term, declared.head, sites)


def _threshold(declaration: _Of, indicator: Indicator, declared: Declared) -> Iterator[Fault]:
    item = declared.item(indicator.of) if indicator.of else None
    if indicator.threshold is None or item is None:
        return
    if item.unit is not None and indicator.threshold.unit is None:
        message = f"the threshold has no unit, but '{indicator.of}' is in {item.unit}"
        yield declaration.fault("threshold", message, f"add unit: {item.unit}, or the unit of these numbers")


def _term(declaration: _Of, term: Term, head: Head, sites: list[Site]) -> Iterator[Fault]:
    path = "threshold.unit" if term.indicator.threshold else "unit"
    there = f"'{term.reference}' is in {term.unit} in the source '{term.source.source}'"
    try:
        if term.wanted is None or (term.unit, term.wanted) in declared_pairs(head):
            return
        if term.unit is None:
            yield from _without_unit(declaration, path, term)
        elif is_money(term.unit, term.wanted, head, sites):
            yield from _money(declaration, path, term, head, sites)
        elif term.unit != term.wanted:
            fixed_factor(term.unit, term.wanted)
        if term.unit == term.wanted and is_raw(term.wanted, head):
            yield from _raw(declaration, path, term, head, sites)
    except NoConversion as why:
        message = f"{there}, the indicator in {term.wanted}, and no conversion is known: {why}"
        yield declaration.fault(path, message, _remedy(why.remedy, term))


def _without_unit(declaration: _Of, path: str, term: Term) -> Iterator[Fault]:
    is_priced = term.wanted is not None and money_in(term.wanted) is not None
    if is_priced or term.indicator.threshold:
        message = f"'{term.reference}' has no unit, but is wanted in {term.wanted}"
        remedy = f"add its unit to the instrument, e.g. unit: {term.wanted}"
        yield declaration.fault(path, message, remedy)


def _money(declaration: _Of, path: str, term: Term, head: Head, sites: list[Site]) -> Iterator[Fault]:
    """Money that can be converted nowhere is a fault; here and there, a warning with the first place."""
    source, wanted = term.source, term.wanted
    if term.unit is None or wanted is None:
        return
    expected = {(site.site, wave) for site in sites for wave in source.waves} if source.waves else None
    if source.sites is not None and expected is not None:
        expected = {cell for cell in expected if cell[0] in source.sites}
    found = [
        cell
        for cell in site_factors(term.unit, wanted, head, sites)
        if expected is None or (cell.site, cell.wave) in expected
    ]
    missing = [cell for cell in found if cell.factor is None]
    if not missing:
        return
    there = f"'{term.reference}' is in {term.unit} in the source '{source.source}', the indicator in {wanted}"
    first = missing[0]
    if len(missing) == len(found):
        message = f"{there}, and no conversion is given: {first.ground}"
        yield declaration.fault(path, message, _remedy(first.remedy, term))
    else:
        message = f"{there}; at {_places(missing)} it has no conversion, and so no value: {first.ground}"
        yield declaration.warning(path, message, _remedy(first.remedy, term))


def _raw(declaration: _Of, path: str, term: Term, head: Head, sites: list[Site]) -> Iterator[Fault]:
    """Money as it was told: of one country, and of one year in each wave, or it is not the same money."""
    served = [site for site in sites if term.source.sites is None or site.site in term.source.sites]
    countries = sorted({site.country for site in served if site.country and not site.currency})
    is_told = term.reference in term.source.units or is_base(term.wanted or "", head)
    if len(countries) > 1 and not is_told:
        message = f"'{term.reference}' is in {term.unit} wherever it is asked, in {' and '.join(countries)}"
        yield declaration.fault(path, message, "say each site's money in sites.yml, e.g. currency: KES")
    for wave in head.waves:
        years = sorted({wave_year(site, wave) for site in served})
        if len(years) > 1 and wave.wave in term.source.waves:
            told = " and ".join(map(str, years))
            message = (
                f"in {wave.wave} {term.reference} is told in the prices of {told}, and taken as it is told"
            )
            remedy = f"write the prices of one year, e.g. unit: {_of_a_year(term.unit, years[-1])}"
            yield declaration.warning(path, message, f"{remedy}, with money.deflators in programme.yml")


def _of_a_year(unit: str | None, year: int) -> str:
    money, stroke, rest = (unit or "").partition("/")
    return f"{money}_{year}{stroke}{rest}"


def _places(missing: list[SiteFactor]) -> str:
    first = f"{missing[0].site} in {missing[0].wave}"
    return first if len(missing) == 1 else f"{first} and {len(missing) - 1} other cells"


def _remedy(remedy: str, term: Term) -> str:
    own = f"add a conversion from {term.unit} to {term.wanted} to programme.yml"
    return remedy if "add a conversion" in remedy else f"{remedy}; or {own}"
