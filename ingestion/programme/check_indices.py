"""Checks of standardised indices: components exist, have a value for each unit, and were frozen in time.

In: `Declared`. Out: faults.
"""

from collections.abc import Iterator

from ingestion.programme.declared import Declaration, Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model import Indicator

COMPONENTS = ("share", "mean", "amount", "sum", "scale_sum", "scale_mean")
"""Statistics whose value is one number of a unit, on the unit's own."""


def check_components(
    declaration: Declaration[Indicator], index: Indicator, declared: Declared
) -> Iterator[Fault]:
    """Faults of an indicator's `of_indicators` and `standardised`."""
    known = {one.indicator: one for one in sound(declared.indicators)}
    for place, component in enumerate(index.of_indicators):
        at = f"of_indicators.{place}.indicator"
        found = known.get(component.indicator)
        if found is None:
            if declared.is_sound("indicators"):
                yield declaration.unknown(at, "indicator", component.indicator, known)
        elif found.statistic not in COMPONENTS:
            message = f"'{found.indicator}' is a {found.statistic}, which makes no component of an index"
            yield declaration.fault(at, message, f"name an indicator that is a {' or '.join(COMPONENTS)}")
    yield from _frozen_late(declaration, index, declared)


def _frozen_late(
    declaration: Declaration[Indicator], index: Indicator, declared: Declared
) -> Iterator[Fault]:
    """Numbers that were frozen when outcomes could be seen may have been chosen by them."""
    if index.standardised is None:
        return
    for analysis in sound(declared.analyses):
        is_in = analysis.indicators is None or index.indicator in analysis.indicators
        if is_in and index.standardised.frozen_on > analysis.registered_on:
            day = analysis.registered_on
            message = f"it was frozen after the analysis '{analysis.analysis}' was registered, on {day}"
            remedy = "freeze it from earlier data, e.g. the baseline, or amend the analysis"
            yield declaration.warning("standardised.frozen_on", message, remedy)
            return
