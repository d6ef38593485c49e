"""Checks of what privacy lets pass: a key where columns are hidden, one spelling of ids, no contradiction.

In: `Declared`. Out: faults. Which columns exports have is not known here; the pull stops at those that look
like identifiers and are not classified.
"""

from collections.abc import Iterator

from ingestion.door.coarsening import grid_of
from ingestion.door.privacy import key_columns
from ingestion.programme.declared import Declaration, Declared
from ingestion.programme.faults import Fault
from ingestion.programme.model import DerivedItem, Door, Source

_Of = Declaration[Source]


def check_privacy(declared: Declared) -> Iterator[Fault]:
    """Faults of `privacy` in sources.yml and instruments/*.yml."""
    told: dict[str, str] = {}
    for declaration in declared.sources:
        source = declaration.value
        door = _door(source, declared) if source else None
        if source is not None:
            yield from _exact_place(declaration, source, door, declared)
        if source is None or door is None:
            continue
        at = "privacy" if source.privacy else "instrument"
        if door.pseudonym and declared.head and declared.head.privacy.pseudonym_key is None:
            message = "columns are to be pseudonymised, but the programme names no key for it"
            remedy = "add privacy: {pseudonym_key: {env: NAME}} to programme.yml"
            yield declaration.fault("privacy.pseudonym" if source.privacy else at, message, remedy)
        for hidden in door.pseudonym:
            if hidden.column == source.keys.unit.column:
                told.setdefault(hidden.as_, declaration.name)
                if (first := next(iter(told))) != hidden.as_:
                    message = f"unit ids are hidden as {hidden.as_} here, but as {first} in '{told[first]}'"
                    remedy = f"hide them one way, so that they match: as: {first}"
                    yield declaration.fault(at, message, remedy)
        yield from _read_though_dropped(declaration, source, door, declared)


def _door(source: Source, declared: Declared) -> Door | None:
    instrument = declared.instrument(source.instrument)
    return source.privacy or (instrument.privacy if instrument else None)


def _exact_place(declaration: _Of, source: Source, door: Door | None, declared: Declared) -> Iterator[Fault]:
    """An interview's place is somebody's home: as a key it passes the door only in a chosen guise."""
    if declared.head is None or declared.head.privacy.public:
        return
    keep, grids = (door.keep, door.coarsen) if door else ([], {})
    for name in ("position", "latitude", "longitude"):
        key = getattr(source.keys, name)
        if key is not None and key.column not in keep and grid_of(key.column, grids) is None:
            message = f"'{key.column}' would bring the exact places of interviews into the lake"
            remedy = "write its grid under privacy.coarsen, or its name under privacy.keep to keep it exact"
            yield declaration.fault(f"keys.{name}", message, remedy)


def _read_though_dropped(declaration: _Of, source: Source, door: Door, declared: Declared) -> Iterator[Fault]:
    """A column that is dropped by its own name, and read all the same; globs give way without a word."""
    instrument = declared.instrument(source.instrument)
    items = instrument.items.items() if instrument else ()
    written = [(name, item) for name, item in items if not isinstance(item, DerivedItem)]
    readers = {question: f"the item '{name}'" for name, item in written for question in item.question}
    readers |= {column: field for field, column in key_columns(source).items()}
    for column in door.drop:
        if column in readers:
            message = f"'{column}' is dropped, but {readers[column]} reads it, so it enters the lake"
            at = "privacy.drop" if source.privacy else "instrument"
            yield declaration.fault(at, message, "take it out of drop, or out of what reads it")
