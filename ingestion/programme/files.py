"""Reads the files of a programme folder into what they declare, entry by entry.

In: the folder. Out: `Declared`, every entry with its validated value (or None), and the faults of each alone.
References from one file to another are not followed here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from ingestion.programme.entries import Entry, parse_entries
from ingestion.programme.explain import validated
from ingestion.programme.faults import Fault
from ingestion.programme.model import (
    Analysis,
    Connection,
    Head,
    Indicator,
    Instrument,
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

    def programme(self, folder: Path) -> Programme:
        """The programme, once every declaration is sound."""
        head = sound(self.heads)[0]
        return Programme.model_construct(
            **{name: getattr(head, name) for name in Head.model_fields},
            folder=folder,
            connections={item.name: item.value for item in self.connections if item.value},
            sites=sound(self.sites),
            sources=sound(self.sources),
            instruments=sound(self.instruments),
            indicators=sound(self.indicators),
            analyses=sound(self.analyses),
        )


def sound(declarations: Iterable[Declaration[Value]]) -> list[Value]:
    """The values of those declarations that fit their model."""
    return [declaration.value for declaration in declarations if declaration.value is not None]


def read_folder(folder: Path) -> tuple[Declared, list[Fault]]:
    """Reads every file of the programme; each declaration is judged by itself only."""
    reading = _Folder(folder)
    declared = Declared(
        folder,
        heads=reading.file("programme.yml", Head, "programme"),
        connections=reading.connections("connections.yml"),
        sites=reading.file("sites.yml", Site, "site"),
        sources=reading.file("sources.yml", Source, "source"),
        instruments=reading.each("instruments", Instrument, "instrument"),
        indicators=reading.each("indicators", Indicator, "indicator"),
        analyses=reading.file("analyses.yml", Analysis, "analysis"),
    )
    if len(declared.heads) > 1:
        head = declared.heads[1]
        reading.faults.append(
            head.fault("", "a second programme is declared", "keep one: a folder is one programme")
        )
    return declared, reading.faults


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []

    def file(self, name: str, model: type[Value], kind: str) -> list[Declaration[Value]]:
        return self._declared(self._entries(self.folder / name, kind), model, kind, lambda entry: "")

    def each(self, name: str, model: type[Value], kind: str) -> list[Declaration[Value]]:
        paths = sorted((self.folder / name).glob("*.y*ml"))
        if not paths:
            self._missing(f"{name}/", kind)
        entries = [entry for path in paths for entry in self._entries(path, kind)]
        return self._declared(entries, model, kind, lambda entry: Path(entry.file).stem)

    def connections(self, name: str) -> list[Declaration[Connection]]:
        if not (self.folder / name).exists():
            return []
        entries = [
            _below(entry, key)
            for entry in self._entries(self.folder / name, "connection")
            for key in entry.data
        ]
        declarations = []
        for entry, key in entries:
            value, faults = validated(entry, Connection, f"connection.{key}")
            self.faults += faults
            declarations.append(Declaration(entry, f"connection.{key}", key, value))
        return declarations

    def _entries(self, path: Path, kind: str) -> list[Entry]:
        name = path.relative_to(self.folder).as_posix()
        if not path.exists():
            self._missing(name, kind)
            return []
        entries, faults = parse_entries(path, name)
        self.faults += faults
        if not entries and not faults:
            remedy = f"declare at least one {kind} in it"
            self.faults.append(Fault(name, 1, kind, "the file is empty", remedy))
        return entries

    def _missing(self, name: str, kind: str) -> None:
        message = f"{name} is missing from the programme folder"
        self.faults.append(Fault("programme.yml", 1, kind, message, f"write {name} with at least one {kind}"))

    def _declared(
        self, entries: list[Entry], model: type[Value], kind: str, default: Callable[[Entry], str]
    ) -> list[Declaration[Value]]:
        declarations = []
        for entry in entries:
            if default(entry):
                entry.data.setdefault(kind, default(entry))
            value, faults = validated(entry, model, kind)
            self.faults += faults
            declarations.append(Declaration(entry, kind, str(entry.data.get(kind, "")), value))
        return declarations


def _below(entry: Entry, key: str) -> tuple[Entry, str]:
    data = entry.data[key] if isinstance(entry.data[key], dict) else {"platform": entry.data[key]}
    lines = {
        path.removeprefix(f"{key}."): line for path, line in entry.lines.items() if path.startswith(f"{key}.")
    }
    return Entry(data, entry.file, entry.line_of(key), lines), key
