"""Checks of what makes outcomes comparable: references and declarations name what exists, and agree.

In: `Declared`. Out: faults, and warnings where an indicator is measured in several ways and nobody says
which. Which class follows is judged in the warehouse.
"""

from collections.abc import Iterator

from ingestion.export_fault import ExportFault
from ingestion.programme.declared import Declaration, Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model import Indicator, Instrument, Source
from ingestion.programme.model_comparability import FACTS, Asked, Reference
from ingestion.programme.wording_items import wording_items


def check_comparability(declared: Declared) -> Iterator[Fault]:
    """Faults of `reference` in indicators, `wordings` in instruments and `asked` in sources.yml."""
    for instrument in declared.instruments:
        if instrument.value is not None:
            yield from _wordings(instrument, instrument.value, declared)
    for indicator in declared.indicators:
        if indicator.value is not None and indicator.value.reference is not None:
            yield from _reference(indicator, indicator.value, indicator.value.reference, declared)
    for source in declared.sources:
        if source.value is not None:
            for place, asked in enumerate(source.value.asked):
                yield from _asked(source, source.value, f"asked.{place}", asked, declared)
            yield from _undeclared(source, source.value, declared)


def _wordings(
    declaration: Declaration[Instrument], instrument: Instrument, declared: Declared
) -> Iterator[Fault]:
    for name, wording in instrument.wordings.items():
        at = f"wordings.{name}"
        for place, linked in enumerate(wording.linked or ()):
            if linked not in instrument.wordings:
                yield declaration.unknown(f"{at}.linked.{place}", "wording", linked, instrument.wordings)
        named = [(f"items.{item}", item) for item in wording.items]
        named += [(f"without.{place}", item) for place, item in enumerate(wording.without)]
        for path, item in named:
            if item not in instrument.items:
                yield declaration.unknown(f"{at}.{path}", "item", item, instrument.items)
        try:
            wording_items(instrument, wording, declared.folder)
        except ExportFault as fault:
            message = f"'{wording.definition}': {fault.message}"
            yield declaration.fault(f"{at}.definition", message, fault.remedy)


def _reference(
    declaration: Declaration[Indicator], indicator: Indicator, reference: Reference, declared: Declared
) -> Iterator[Fault]:
    if reference.unit not in (None, indicator.unit):
        message = f"the reference is in {reference.unit}, the indicator in {indicator.unit}"
        yield declaration.fault("reference.unit", message, "write the indicator's unit, or remove it")
    if indicator.instruments and reference.instrument not in (None, *indicator.instruments):
        message = f"the indicator's items are not of the instrument '{reference.instrument}'"
        remedy = f"write {' or '.join(indicator.instruments)}"
        yield declaration.fault("reference.instrument", message, remedy)
    instrument = declared.instrument(reference.instrument or next(iter(indicator.instruments), None))
    wordings = instrument.wordings if instrument else {}
    if reference.wording is not None and instrument and reference.wording not in wordings:
        yield declaration.unknown("reference.wording", "wording", reference.wording, wordings)
    if reference.wording is None and len(wordings) > 1:
        message = f"the instrument has {len(wordings)} wordings, and the reference names none"
        yield declaration.warning("reference", message, f"add wording: {' or '.join(wordings)}")
    waves = declared.wave_names()
    for wave, window in reference.window.items() if waves is not None else ():
        at = f"reference.window.{wave}"
        if wave not in (waves or ()):
            yield declaration.unknown(at, "wave", wave, waves or ())
        if window.after not in ("treatment_start", *(waves or ())):
            known = ["treatment_start", *(waves or ())]
            yield declaration.unknown(f"{at}.after", "wave", window.after, known)


def _asked(
    declaration: Declaration[Source], source: Source, at: str, asked: Asked, declared: Declared
) -> Iterator[Fault]:
    if source.role != "survey" and not source.is_aggregate:
        message = f"'asked' has no meaning for a source with role {source.role}, which measures no outcome"
        yield declaration.fault(at, message, "remove it")
        return
    if all(getattr(asked, name) is None for name in FACTS):
        message = "nothing is said of how it was asked"
        yield declaration.fault(at, message, f"add one of {', '.join(FACTS)}, or remove the entry")
    only_sent = {"instrument": asked.instrument, "unit": asked.unit}
    for path, value in only_sent.items() if not source.is_aggregate else ():
        if value is not None:
            message = f"'{path}' is known of a source whose people are seen"
            remedy = f"remove it, and correct the source's {path}{'s' * (path == 'unit')}"
            yield declaration.fault(f"{at}.{path}", message, remedy)
    every_site = declared.names("sites")
    every_indicator = [one.indicator for one in sound(declared.indicators) if _is_measured(one, source)]
    limits = (
        ("sites", asked.sites, source.sites or sorted(every_site)),
        ("waves", asked.waves, source.waves),
        ("indicators", asked.indicators, every_indicator),
    )
    for path, names, known in limits:
        for place, name in enumerate(names or ()):
            if name not in known and (path != "indicators" or declared.is_sound("indicators")):
                message = f"the source does not measure in {path} '{name}'"
                remedy = f"write one of {', '.join(known)}"
                yield declaration.fault(f"{at}.{path}.{place}", message, remedy)
    instrument = declared.instrument(source.instrument or asked.instrument)
    if asked.wording is not None and instrument and asked.wording not in instrument.wordings:
        yield declaration.unknown(f"{at}.wording", "wording", asked.wording, instrument.wordings)
    if instrument and asked.language:
        yield from _not_in_form(declaration, at, asked.language, instrument.instrument, declared)


def _not_in_form(
    declaration: Declaration[Source], at: str, languages: list[str], instrument: str, declared: Declared
) -> Iterator[Fault]:
    """Languages that the form names, where it does, are those it was asked in."""
    form = declared.forms.get(instrument)
    named = {label for field in form.definition.fields for label in field.labels if label} if form else set()
    words = {word.strip("() ").lower() for label in named for word in (label, *label.split())}
    for language in languages:
        if named and language.lower() not in words:
            message = f"the form has no labels in '{language}'"
            remedy = f"its languages are {', '.join(sorted(named))}: add the labels, or correct the language"
            yield declaration.warning(f"{at}.language", message, remedy)


def _undeclared(declaration: Declaration[Source], source: Source, declared: Declared) -> Iterator[Fault]:
    """Warns of an indicator that is measured in several ways where nothing says which this one is."""
    instrument = declared.instrument(source.instrument)
    wordings = list(instrument.wordings) if instrument and source.role == "survey" else []
    if len(wordings) > 1 and not any(asked.wording for asked in source.asked):
        message = f"'{source.instrument}' has {len(wordings)} wordings, and nothing says which was asked here"
        yield declaration.warning("asked", message, f"add asked: {{wording: {' or '.join(wordings)}}}")
    if not source.is_aggregate or source.asked:
        return
    surveyed = {one.instrument for one in sound(declared.sources) if one.role == "survey"}
    for indicator in sound(declared.indicators):
        if indicator.indicator in source.indicators and surveyed & set(indicator.instruments):
            message = (
                f"elsewhere '{indicator.indicator}' is asked by {' and '.join(indicator.instruments)}, "
                "and nothing says how it was asked here"
            )
            yield declaration.warning("asked", message, "add asked: {instrument: .., wording: .., unit: ..}")


def _is_measured(indicator: Indicator, source: Source) -> bool:
    if source.is_aggregate:
        return indicator.indicator in source.indicators
    return source.instrument in indicator.instruments
