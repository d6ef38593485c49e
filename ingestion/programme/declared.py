"""What a programme folder declares: every entry with the id it claims and, where it is sound, its value.

In: entries and validated values. Out: `Declaration` and `Declared`, which say what is known and word faults.
No file is read here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from ingestion.programme.entries import Entry
from ingestion.programme.explain import suggestion
from ingestion.programme.faults import Fault
from ingestion.programme.form import Form
from ingestion.programme.form_repeats import with_form_repeats
from ingestion.programme.model import (
    Analysis,
    Connection,
    Head,
    Indicator,
    Instrument,
    Item,
    Programme,
    Site,
    Source,
)

Value = TypeVar("Value", bound=BaseModel)


@dataclass(frozen=True)
class Declaration(Generic[Value]):
    """One entry, the id it claims, and its value where it is sound."""

    entry: Entry
    kind: str
    name: str
    value: Value | None

    def fault(self, path: str, message: str, remedy: str) -> Fault:
        """A fault at one of its fields."""
        where = f"{self.kind}.{path}" if path else self.kind
        return Fault(self.entry.file, self.entry.line_of(path), where, message, remedy)

    def unknown(self, path: str, what: str, name: str, known: Iterable[str]) -> Fault:
        """The fault of naming something that is declared nowhere."""
        return self.fault(path, f"the {what} '{name}' is not declared", suggestion(name, known))

    def warning(self, path: str, message: str, remedy: str) -> Fault:
        """A fault that does not stop the programme."""
        where = f"{self.kind}.{path}" if path else self.kind
        return Fault(self.entry.file, self.entry.line_of(path), where, message, remedy, "warning")


@dataclass
class Declared:
    """Everything a folder declares, in the order of files and lines."""

    folder: Path
    heads: list[Declaration[Head]] = field(default_factory=list)
    connections: list[Declaration[Connection]] = field(default_factory=list)
    sites: list[Declaration[Site]] = field(default_factory=list)
    sources: list[Declaration[Source]] = field(default_factory=list)
    instruments: list[Declaration[Instrument]] = field(default_factory=list)
    indicators: list[Declaration[Indicator]] = field(default_factory=list)
    analyses: list[Declaration[Analysis]] = field(default_factory=list)
    forms: dict[str, Form] = field(default_factory=dict)

    @property
    def head(self) -> Head | None:
        """What programme.yml says, where it is sound."""
        return next(iter(sound(self.heads)), None)

    def names(self, kind: str) -> set[str]:
        """The ids declared of a kind (`sites`, `sources`, ...), sound or not."""
        return {declaration.name for declaration in getattr(self, kind)}

    def is_sound(self, kind: str) -> bool:
        """Whether every declaration of a kind fits its model, so that what is absent there is absent."""
        declarations = getattr(self, kind)
        return bool(declarations) and all(item.value is not None for item in declarations)

    def wave_names(self) -> list[str] | None:
        """The ids of the waves in their order; None where programme.yml is not sound."""
        return [wave.wave for wave in self.head.waves] if self.head else None

    def instrument(self, name: str | None) -> Instrument | None:
        """The instrument of that id, where it is declared and sound."""
        return next((item.value for item in self.instruments if item.name == name), None)

    def item(self, reference: str) -> Item | None:
        """The item behind `instrument.item`, where it is declared and sound."""
        name, _, item = reference.partition(".")
        instrument = self.instrument(name)
        return instrument.items.get(item) if instrument else None

    def unknown_item(self, by: "Declaration[Any]", path: str, reference: str) -> Fault | None:
        """The fault of naming an item that no instrument has; None where it has, or cannot be known."""
        name, _, item = reference.partition(".")
        if name not in self.names("instruments"):
            return by.unknown(path, "instrument", name, self.names("instruments"))
        instrument = self.instrument(name)
        if instrument is None or item in instrument.items:
            return None
        return by.unknown(path, "item", reference, [f"{name}.{known}" for known in instrument.items])

    def programme(self, folder: Path) -> Programme:
        """The programme, once every declaration is sound."""
        head = sound(self.heads)[0]
        return Programme.model_construct(
            **{name: getattr(head, name) for name in Head.model_fields},
            folder=folder,
            connections={item.name: item.value for item in self.connections if item.value},
            sites=sound(self.sites),
            sources=[with_form_repeats(source, self.forms) for source in sound(self.sources)],
            instruments=sound(self.instruments),
            indicators=sound(self.indicators),
            analyses=[one for analysis in sound(self.analyses) for one in analysis.by_contrast()],
            forms=self.forms,
        )


def sound(declarations: Iterable[Declaration[Value]]) -> list[Value]:
    """The values of those declarations that fit their model."""
    return [declaration.value for declaration in declarations if declaration.value is not None]
