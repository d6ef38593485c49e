"""Checks of sources that send no rows of people: indicators, columns, maps, and who else sends the same.

In: `Declared`. Out: faults.
"""

import re
from collections.abc import Iterator

from ingestion.programme import aggregates
from ingestion.programme.declared import Declaration, Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model import Source
from ingestion.programme.model_indicators import QUANTILES
from ingestion.programme.words import ARM_PATTERN

_Of = Declaration[Source]


def check_aggregates(declared: Declared) -> Iterator[Fault]:
    """Faults of the sources of moments and estimates, and of others that carry their fields."""
    for declaration in declared.sources:
        if (source := declaration.value) is None:
            continue
        if source.is_aggregate:
            yield from _aggregate(declaration, source, declared)
        else:
            for path, value in {"indicators": source.indicators, "columns": source.columns}.items():
                if value and not source.sends_no_people:
                    message = f"'{path}' has no meaning for a source with role {source.role}"
                    yield declaration.fault(path, message, "remove it: it belongs to moments and estimates")
    yield from _sent_once(declared)


def _aggregate(declaration: _Of, source: Source, declared: Declared) -> Iterator[Fault]:
    if not source.indicators:
        message = f"a source with role {source.role} must say which indicators it sends"
        yield declaration.fault("indicators", message, "add indicators: [INDICATOR, ...]")
    known = declared.names("indicators")
    for place, indicator in enumerate(source.indicators):
        if indicator not in known:
            yield declaration.unknown(f"indicators.{place}", "indicator", indicator, known)
    if source.role == "moments":
        yield from _untold_by_moments(declaration, source, declared)
    if source.wave is None:
        yield declaration.fault("wave", f"a source with role {source.role} needs 'wave'", "add wave")
    foreign = {
        "instrument": source.instrument,
        "privacy": source.privacy,
        "units": source.units or None,
        "keys": source.keys if "keys" in declaration.entry.data and not _is_filled_in(source) else None,
    }
    for path, value in foreign.items():
        if value is not None:
            message = f"'{path}' has no meaning for a source with role {source.role}, which sends no people"
            yield declaration.fault(path, message, "remove it, and name its columns under columns")
    words = aggregates.COLUMNS[source.role]
    for word, column in source.columns.items():
        if word not in words:
            yield declaration.unknown(f"columns.{word}", "column", word, words)
        for code, meant in (column.map or {}).items() if word == "arm" else ():
            if not re.fullmatch(ARM_PATTERN, meant):
                remedy = "write control, treatment or treatment_<variant>"
                yield declaration.fault(f"columns.arm.map.{code}", f"'{meant}' is not an arm", remedy)


def _untold_by_moments(declaration: _Of, source: Source, declared: Declared) -> Iterator[Fault]:
    for indicator in sound(declared.indicators):
        if indicator.statistic in QUANTILES and indicator.indicator in source.indicators:
            at = f"indicators.{source.indicators.index(indicator.indicator)}"
            message = (
                f"'{indicator.indicator}' is a {indicator.statistic}, which no moments tell: it needs rows"
            )
            yield declaration.warning(
                at, message, "send an indicator that is a mean, or estimates of this one"
            )


def _is_filled_in(source: Source) -> bool:
    return source.keys.unit.column == "(no unit)"


def _sent_once(declared: Declared) -> Iterator[Fault]:
    """A cell of moments or estimates comes from that source alone: nothing may be counted twice."""
    every_site = [site.value.site for site in declared.sites if site.value]
    told: dict[tuple[str, str, str], Source] = {}
    for declaration in declared.sources:
        source = declaration.value
        if source is None or not (source.is_aggregate or source.role == "survey"):
            continue
        indicators = source.indicators if source.is_aggregate else _surveyed(source, declared)
        cells = [(i, s, w) for i in indicators for s in source.sites or every_site for w in source.waves]
        twice = [cell for cell in cells if cell in told and (source.is_aggregate or told[cell].is_aggregate)]
        told |= {cell: source for cell in cells if cell not in told}
        if twice:
            indicator, site, wave = twice[0]
            message = f"{indicator} at {site} in {wave} is also sent by '{told[twice[0]].source}'"
            yield declaration.fault(
                "sites", message, "let one of the two send it: narrow sites or indicators"
            )


def _surveyed(source: Source, declared: Declared) -> list[str]:
    found = [item.value for item in declared.indicators if item.value]
    return [indicator.indicator for indicator in found if indicator.instruments == [source.instrument]]
