"""Checks of instruments and indicators: items are known and fit the statistic.

In: `Declared`. Out: faults. Units and analyses are checked elsewhere.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from ingestion.programme.check_indices import check_components
from ingestion.programme.declared import Declaration, Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model import DerivedItem, Indicator, Instrument, Item

_Of = Declaration[Indicator]
_NUMBERS = ("integer", "number", "amount")
_ORDERED = (*_NUMBERS, "select_one")
_FITTING = {
    "share": ("boolean",),
    "mean": (*_NUMBERS, "boolean", "select_one"),
    "amount": ("amount",),
    "sum": (*_NUMBERS, "boolean"),
    "median": (*_NUMBERS, "select_one"),
    "quantile": (*_NUMBERS, "select_one"),
    "rate": (*_NUMBERS, "boolean"),
    "ratio": (*_NUMBERS, "boolean"),
    "scale_sum": ("integer", "number", "select_one", "boolean"),
    "scale_mean": ("integer", "number", "select_one", "boolean"),
}


def check_measures(declared: Declared) -> Iterator[Fault]:
    """Faults of instruments/*.yml and indicators/*.yml."""
    for declaration in declared.instruments:
        if declaration.value is not None:
            yield from _codes(declaration, declaration.value)
            yield from _nothing_kept(declaration, declaration.value, declared)
    dimensions = {
        dimension
        for source in declared.sources
        if source.value is not None
        for dimension in source.value.keys.subgroups
    }
    for indicator in declared.indicators:
        if indicator.value is None:
            continue
        yield from _items(indicator, indicator.value, declared)
        yield from check_components(indicator, indicator.value, declared)
        if not (indicator.value.terms or indicator.value.of_indicators):
            yield from _nothing_read(indicator, indicator.value, declared)
        if len(indicator.value.instruments) > 1:
            message = f"its items lie in {' and '.join(indicator.value.instruments)}"
            yield indicator.fault("", message, "take them from one instrument: a value is reckoned in one")
        yield from _frozen_late(indicator, indicator.value, declared)
        for place, dimension in enumerate(indicator.value.subgroups):
            if dimension not in dimensions and declared.is_sound("sources"):
                yield indicator.unknown(f"subgroups.{place}", "subgroup dimension", dimension, dimensions)


def _nothing_read(declaration: _Of, indicator: Indicator, declared: Declared) -> Iterator[Fault]:
    sent = {
        name for source in declared.sources if source.value is not None for name in source.value.indicators
    }
    if indicator.indicator not in sent and declared.is_sound("sources"):
        names = " and ".join(f"'{name}'" for name, is_needed in indicator.needs.items() if is_needed)
        remedy = f"add {names.replace(chr(39), '')}, or a source of moments or estimates that sends it"
        yield declaration.fault("", f"a {indicator.statistic} needs {names}", remedy)


def _codes(declaration: Declaration[Instrument], instrument: Instrument) -> Iterator[Fault]:
    for name, item in instrument.items.items():
        answers = {*item.choices, *(item.yes + item.no if item.type == "boolean" else ())}
        for code in sorted(answers & set(instrument.missing)):
            message = f"the code '{code}' is both an answer and a missing code"
            yield declaration.fault(f"items.{name}", message, "keep one of its two meanings")


def _nothing_kept(
    declaration: Declaration[Instrument], instrument: Instrument, declared: Declared
) -> Iterator[Fault]:
    is_written = any(not isinstance(item, DerivedItem) for item in instrument.items.values())
    if not is_written and not _kept(declaration.name, declared):
        message = (
            "the form's questions are known, but no item and no privacy.keep lets an answer into the lake"
        )
        yield declaration.warning("privacy", message, "add items, or privacy: {keep: [column, group/*]}")


def _kept(instrument: str, declared: Declared) -> list[str]:
    """What the doors of an instrument and of its sources let into the lake."""
    own = declared.instrument(instrument)
    doors = [own.privacy] if own else []
    doors += [
        source.value.privacy
        for source in declared.sources
        if source.value is not None and source.value.instrument == instrument and source.value.privacy
    ]
    return [glob for door in doors for glob in door.keep]


def _items(declaration: _Of, indicator: Indicator, declared: Declared) -> Iterator[Fault]:
    for path, reference in _places(indicator):
        fault = declared.unknown_item(declaration, path, reference)
        if fault is not None:
            yield fault
            continue
        item = declared.item(reference)
        fitting = _ORDERED if indicator.threshold else _FITTING[indicator.statistic]
        if item is not None and item.type not in fitting:
            message = f"the item '{reference}' is {item.type}, which makes no {indicator.statistic}"
            remedy = f"use an item of type {' or '.join(fitting)}, or another statistic"
            if item.type in _NUMBERS and indicator.statistic == "share":
                remedy += ", or say from which number on it counts: threshold: {at_least: ..}"
            yield declaration.fault(path, message, remedy)
        if isinstance(item, DerivedItem):
            yield from _not_let_in(declaration, path, reference, item, declared)


def _frozen_late(declaration: _Of, indicator: Indicator, declared: Declared) -> Iterator[Fault]:
    """Cut-offs that were fixed when outcomes could be seen may have been chosen by them."""
    if indicator.winsor is None:
        return
    for analysis in sound(declared.analyses):
        is_in = analysis.indicators is None or indicator.indicator in analysis.indicators
        if is_in and indicator.winsor.frozen_on > analysis.registered_on:
            day = analysis.registered_on
            message = (
                f"the cut-offs were fixed after the analysis '{analysis.analysis}' was registered, on {day}"
            )
            yield declaration.warning(
                "winsor.frozen_on", message, "take cut-offs of earlier data, or amend the analysis"
            )
            return


def _not_let_in(
    declaration: _Of, path: str, reference: str, item: Item, declared: Declared
) -> Iterator[Fault]:
    instrument, _, name = reference.partition(".")
    globs = _kept(instrument, declared)
    if not any(fnmatchcase(column, glob) for column in item.question for glob in globs):
        message = f"'{reference}' is a question of the form only, so no answer to it enters the lake"
        remedy = f"add '{name}:' to the items of the instrument {instrument}, or its column to privacy.keep"
        yield declaration.fault(path, message, remedy)


def _places(indicator: Indicator) -> Iterator[tuple[str, str]]:
    for path in ("of", "events", "exposure", "numerator", "denominator"):
        if reference := getattr(indicator, path):
            yield path, reference
    for place, reference in enumerate(indicator.items):
        yield f"items.{place}", reference
