"""Checks of sources of corrections: what they correct, which of their columns say what, and their words.

In: `Declared`. Out: faults.
"""

from collections.abc import Iterator

from ingestion.programme import aggregates
from ingestion.programme.declared import Declaration, Declared, sound
from ingestion.programme.faults import Fault
from ingestion.programme.model import Source

_ACTIONS = ("change", "blank", "remove", "keep")
_PLATFORMS = ("csv", "excel")


def check_corrections(declared: Declared) -> Iterator[Fault]:
    """Faults of the sources of corrections, and of others that say what they correct."""
    known = {source.source: source for source in sound(declared.sources)}
    for declaration in declared.sources:
        if (source := declaration.value) is None:
            continue
        if source.role == "corrections":
            yield from _log(declaration, source, known)
        elif source.of:
            message = f"'of' has no meaning for a source with role {source.role}"
            yield declaration.fault("of", message, "remove it: it belongs to corrections")


def _log(declaration: Declaration[Source], source: Source, known: dict[str, Source]) -> Iterator[Fault]:
    if not source.of:
        message = "a source with role corrections must say which source it corrects"
        yield declaration.fault("of", message, "add of: SOURCE")
    for place, name in enumerate(source.of):
        if name not in known:
            yield declaration.unknown(f"of.{place}", "source", name, known)
        elif known[name].sends_no_people:
            message = f"'{name}' holds no submissions, so none of them can be corrected"
            yield declaration.fault(f"of.{place}", message, "name a source of submissions, or of units")
    if source.platform not in _PLATFORMS:
        message = f"a log of corrections is no export of {source.platform}"
        yield declaration.fault("platform", message, "write csv or excel")
    foreign = {
        "instrument": source.instrument,
        "wave": source.wave,
        "privacy": source.privacy,
        "units": source.units or None,
        "indicators": source.indicators or None,
        "keys": source.keys if "keys" in declaration.entry.data else None,
    }
    for path, value in foreign.items():
        if value is not None:
            message = f"'{path}' has no meaning for a source with role corrections"
            yield declaration.fault(path, message, "remove it, and name its columns under columns")
    words = aggregates.COLUMNS["corrections"]
    for word, column in source.columns.items():
        if word not in words:
            yield declaration.unknown(f"columns.{word}", "column", word, words)
        elif column.map is not None and word != "action":
            message = "a map is used for the column of actions alone"
            yield declaration.fault(f"columns.{word}.map", message, "write the column's name alone")
        for code, meant in (column.map or {}).items() if word == "action" else ():
            if meant not in _ACTIONS:
                message = f"'{meant}' is not an action"
                yield declaration.fault(f"columns.action.map.{code}", message, f"write {', '.join(_ACTIONS)}")
