"""Reads the files of a programme folder into what they declare, entry by entry.

In: the folder. Out: `Declared`, every entry with its validated value (or None), and the faults of each alone.
References from one file to another are not followed here.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ingestion.programme.declared import Declaration, Declared, Value
from ingestion.programme.entries import Entry, parse_entries
from ingestion.programme.explain import validated
from ingestion.programme.faults import Fault
from ingestion.programme.form import Form
from ingestion.programme.instrument_forms import complete
from ingestion.programme.model import Analysis, Connection, Head, Indicator, Instrument, Site, Source


def read_folder(folder: Path) -> tuple[Declared, list[Fault]]:
    """Reads every file of the programme; each declaration is judged by itself only."""
    reading = _Folder(folder)
    declared = Declared(
        folder,
        heads=reading.file("programme.yml", Head, "programme"),
        connections=reading.connections("connections.yml"),
        sites=reading.file("sites.yml", Site, "site"),
        sources=reading.file("sources.yml", Source, "source"),
        instruments=reading.instruments("instruments"),
        indicators=reading.each("indicators", Indicator, "indicator"),
        analyses=reading.file("analyses.yml", Analysis, "analysis"),
        forms=reading.forms,
    )
    if len(declared.heads) > 1:
        head = declared.heads[1]
        remedy = "keep one: a folder is one programme"
        reading.faults.append(head.fault("", "a second programme is declared", remedy))
    return declared, reading.faults


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []
        self.forms: dict[str, Form] = {}

    def file(self, name: str, model: type[Value], kind: str) -> list[Declaration[Value]]:
        return self._declared(self._entries(self.folder / name, kind), model, kind, lambda entry: "")

    def each(self, name: str, model: type[Value], kind: str) -> list[Declaration[Value]]:
        entries = self._each(name, kind)
        return self._declared(entries, model, kind, lambda entry: Path(entry.file).stem)

    def instruments(self, name: str) -> list[Declaration[Instrument]]:
        """Each instrument, completed from the form definition that it names."""
        declarations = []
        # A programme whose sites send nothing but moments or estimates asks no questions itself.
        for entry in self._each(name, "instrument", is_needed=False):
            completion = complete(entry, self.folder)
            self.faults += completion.faults
            if completion.file and completion.definition is None:
                named = str(entry.data.get("instrument", Path(entry.file).stem))
                declarations.append(Declaration[Instrument](entry, "instrument", named, None))
                continue
            known = len(self.faults)
            (declared,) = self._declared(
                [completion.entry], Instrument, "instrument", lambda entry: Path(entry.file).stem
            )
            # What an item lacks because the form does not ask it is told already.
            errors = [fault.field for fault in completion.faults if fault.severity == "error"]
            told = tuple(f"{field.removesuffix('.question')}." for field in errors)
            self.faults[known:] = [fault for fault in self.faults[known:] if not fault.field.startswith(told)]
            if declared.value is not None:
                instrument, form = completion.with_derived(declared.value)
                declared = replace(declared, value=instrument)
                self.forms |= {instrument.instrument: form} if form else {}
            declarations.append(declared)
        return declarations

    def _each(self, name: str, kind: str, is_needed: bool = True) -> list[Entry]:
        paths = sorted((self.folder / name).glob("*.y*ml"))
        if not paths and is_needed:
            self._missing(f"{name}/*.yml", kind)
        return [entry for path in paths for entry in self._entries(path, kind)]

    def connections(self, name: str) -> list[Declaration[Connection]]:
        if not (self.folder / name).exists():
            return []
        declarations = []
        for whole in self._entries(self.folder / name, "connection"):
            for key in whole.data:
                entry, kind = _below(whole, key), f"connection.{key}"
                value, faults = validated(entry, Connection, kind)
                self.faults += faults
                declarations.append(Declaration(entry, kind, key, value))
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
        message = "it is missing from the programme folder"
        self.faults.append(Fault(name, 1, kind, message, f"write it, with at least one {kind}"))

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


def _below(entry: Entry, key: str) -> Entry:
    # What is no mapping may be a secret in the wrong place: it is left out, and its fields are missed.
    data = entry.data[key] if isinstance(entry.data[key], dict) else {}
    head = f"{key}."
    lines = {path.removeprefix(head): line for path, line in entry.lines.items() if path.startswith(head)}
    return Entry(data, entry.file, entry.line_of(key), lines)
