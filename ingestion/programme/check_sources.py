"""Checks of each source against the rest of the programme; sources are compared with each other elsewhere.

In: `Declared`. Out: faults. A missing drop folder is only a warning: the pull reports it for its source.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ingestion.programme.declared import Declaration, Declared
from ingestion.programme.faults import Fault
from ingestion.programme.model import Source

_Of = Declaration[Source]


def check_sources(declared: Declared) -> Iterator[Fault]:
    """Faults of sources.yml."""
    for declaration in declared.sources:
        if declaration.value is not None:
            yield from _references(declaration, declaration.value, declared)
            yield from _role(declaration, declaration.value)
            yield from _place(declaration, declaration.value, declared)


def _references(declaration: _Of, source: Source, declared: Declared) -> Iterator[Fault]:
    known_sites = declared.names("sites")
    for place, site in enumerate(source.sites or ()):
        if site not in known_sites:
            yield declaration.unknown(f"sites.{place}", "site", site, known_sites)
    known_waves = declared.wave_names()
    for wave in source.waves if known_waves is not None else ():
        if wave not in (known_waves or ()):
            yield declaration.unknown("wave", "wave", wave, known_waves or ())
    instruments = declared.names("instruments")
    if source.instrument is not None and source.instrument not in instruments:
        yield declaration.unknown("instrument", "instrument", source.instrument, instruments)
    for item in source.units:
        if (fault := declared.unknown_item(declaration, f"units.{item}", item)) is not None:
            yield fault
        elif item.partition(".")[0] != source.instrument:
            message = f"'{item}' is not asked by this source's instrument"
            yield declaration.fault(f"units.{item}", message, "give units of the source's own items only")


def _role(declaration: _Of, source: Source) -> Iterator[Fault]:
    needs: dict[str, dict[str, object]] = {
        "survey": {"instrument": source.instrument, "wave": source.wave},
        "back_check": {"instrument": source.instrument, "wave": source.wave},
        "assignment": {"keys.arm": source.keys.arm},
        "tracking": {"wave": source.wave, "keys.disposition": source.keys.disposition},
    }
    for path, value in needs.get(source.role, {}).items():
        if value is None:
            yield declaration.fault(path, f"a source with role {source.role} needs '{path}'", f"add {path}")
    if not source.is_frame:
        frame_only = {"round": source.round, "first_per_unit": source.first_per_unit, "frame": source.frame}
        for path, value in frame_only.items():
            if value is not None:
                message = f"'{path}' has no meaning for a source with role {source.role}"
                yield declaration.fault(path, message, "remove it: it belongs to frames")
    if source.round == "randomised" and not source.is_randomised:
        message = "the round is named randomised but is_randomised is false"
        yield declaration.fault("is_randomised", message, "name its own, e.g. round: attended")


def _place(declaration: _Of, source: Source, declared: Declared) -> Iterator[Fault]:
    pull = source.pull
    if (source.platform == "python_package") != (pull.package is not None):
        message = f"platform {source.platform} does not go with this pull"
        yield declaration.fault("pull", message, "write package and dataset for python_package only")
    if pull.connection is not None:
        known = declared.names("connections")
        if pull.connection not in known:
            yield declaration.unknown("pull.connection", "connection", pull.connection, known)
        for connection in declared.connections:
            value = connection.value
            wanted = "files" if pull.is_remote else source.platform
            if connection.name == pull.connection and value and value.platform != wanted:
                message = f"the connection '{connection.name}' is a {value.platform}, not a {wanted}"
                yield declaration.fault("pull.connection", message, "name a connection of that platform")
    if pull.drop is not None and pull.is_remote:
        yield from _remote_drop(declaration, pull.drop)
    elif pull.drop is not None:
        yield from _drop(declaration, pull.drop, declared.folder)


def _remote_drop(declaration: _Of, drop: str) -> Iterator[Fault]:
    """Whether anything lies there is found out by the pull."""
    try:
        parts = urlsplit(drop)
        is_address = bool(re.fullmatch(r"[a-z][a-z0-9+]*", parts.scheme) and parts.netloc and parts.port != 0)
    except ValueError:
        is_address = False
    if not is_address:
        message = "its drop is not an address"
        yield declaration.fault("pull.drop", message, "write it as s3://bucket/exports/*.csv")
    elif parts.password is not None:
        message = "its drop holds a password, which was seen by whoever reads this file"
        remedy = "change it, take it out, and name environment variables in a connection of platform files"
        yield declaration.fault("pull.drop", message, remedy)


def _drop(declaration: _Of, drop: str, folder: Path) -> Iterator[Fault]:
    try:
        has_files = any(folder.glob(drop))
    except (ValueError, NotImplementedError):
        message = f"'{drop}' is not a pattern of files below the programme folder"
        yield declaration.fault("pull.drop", message, "write a relative pattern such as exports/kobo/*.csv")
        return
    if not has_files:
        message = f"no file matches '{drop}' yet"
        yield declaration.warning("pull.drop", message, "put the export there, or correct the pattern")
