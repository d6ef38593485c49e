"""What a pull brings in: from an API where the last good pull ended, from a drop, or from a Python package.

In: a source and what was pulled of it before. Out: landed originals, and from an API where the next pull is
to begin. Whether that changes anything, and what stands in it, is decided by the pull.

An API is asked for everything first, then for what changed, and for everything again after
`pull.full_every_days`, since edits and deletions that a cursor misses are caught only so; also after the
source was pointed at another server or asset. Only good pulls leave a cursor: what a pull that failed
half-way has landed counts for nothing.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from ingestion.door.media_folder import land_manifest
from ingestion.encryption import LandingKey, landing_key
from ingestion.export_fault import NothingThere
from ingestion.landing import land, landed_path, last_full, last_served, served_originals
from ingestion.platforms import PLATFORMS, drops, python_package
from ingestion.platforms.http import Api
from ingestion.platforms.protocol import Ask, Offered, Outcome
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal, Receipt
from ingestion.sandbox import begin_reading
from ingestion.sealing import seal
from ingestion.unchanged import Seen

# A weekly pull that starts some minutes earlier than a week before is still the weekly one.
_EARLY = timedelta(hours=1)


@dataclass
class Fetched:
    """What a pull has brought in so far.

    Attributes:
        receipt: The receipt, with how the source was asked.
        key: The landing's key, if it has one.
        served: The originals whose rows the lake holds.
        found: The originals of this pull; those before a fault if there was one.
        note: What whoever pulled should know, or nothing.
        fault: What ended the fetching early, if anything did.
    """

    receipt: Receipt
    key: LandingKey | None = None
    served: list[LandedOriginal] = field(default_factory=list)
    found: list[LandedOriginal] = field(default_factory=list)
    note: str = ""
    fault: Exception | None = None


def asks_api(source: Source) -> bool:
    """Whether a source is pulled by asking its platform."""
    return source.pull.asset is not None


def fetch(
    programme: Programme,
    source: Source,
    home: Path,
    into: Fetched,
    is_frozen: bool,
    stopped: threading.Event | None = None,
) -> None:
    """Lands what there is to pull.

    Args:
        programme: The programme.
        source: The source.
        home: SITEWISE_HOME.
        into: Is filled as originals land.
        is_frozen: All the source's waves are frozen: what it serves is all there is.
        stopped: Once set, an API is heard out no longer.

    Raises:
        ExportFault: There is nothing to pull, or it cannot be had.
    """
    into.key = landing_key(programme)
    if into.key:
        seal(home, source.source, into.key)
    into.served = served_originals(home, source.source, source.pull.gathers)
    if is_frozen and into.served:
        into.found.extend(into.served)
    elif asks_api(source):
        outcome = _asked(programme, source, home, into, stopped)
        told = {"mode": outcome.mode, "cursor": dict(outcome.cursor)}
        into.note = outcome.note
        into.receipt = into.receipt.model_copy(update=told | _definition_change(home, into))
    else:
        for original in _landed(programme, source, home, into):
            into.found.append(original)


def _asked(
    programme: Programme, source: Source, home: Path, into: Fetched, stopped: threading.Event | None
) -> Outcome:
    name = source.pull.connection or ""
    connection = programme.connections[name]
    now = into.receipt.pulled_at
    asked_of = f"{connection.server} {source.pull.asset}"
    full, last = last_full(home, source.source), last_served(home, source.source)
    every = timedelta(days=source.pull.full_every_days) - _EARLY
    is_full = full is None or last is None or now - full.pulled_at >= every or last.asked_of != asked_of
    cursor = {} if is_full or last is None else last.cursor
    into.receipt = into.receipt.model_copy(update={"asked_of": asked_of})
    with Api(name, connection, stopped=stopped) as api:
        bodies = PLATFORMS[source.platform].ask(Ask(source, connection, api, cursor, now))
        while True:
            try:
                body = next(bodies)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            at = now.isoformat(timespec="milliseconds")
            into.found.append(land(home, source.source, body.name, body.write, body.kind, at, into.key))


def _definition_change(home: Path, into: Fetched) -> dict[str, bool]:
    last = last_served(home, into.receipt.source)
    before, now = (
        {(each.name, each.sha256) for each in originals if each.kind == "definition"}
        for originals in (last.originals if last else [], into.found)
    )
    return {"definition_changed": bool(before) and before != now}


def _landed(programme: Programme, source: Source, home: Path, into: Fetched) -> Iterator[LandedOriginal]:
    """Lands what lies there; a delta that has delivered before may have nothing new."""
    place = python_package if source.pull.package else drops
    try:
        offers = (
            python_package.list_originals(source, programme.folder)
            if source.pull.package
            else drops.list_originals(source, programme.folder, programme.connections)
        )
    except NothingThere:
        if source.pull.mode == "delta" and into.served:
            return
        raise
    seen = Seen(home, source.source, "drop")
    for offered in offers:
        yield _landed_once(home, source.source, offered, partial(place.fetch, offered), seen, into.key)
    seen.save()
    if manifest := land_manifest(home, source, offers, into.key):
        yield manifest


def _landed_once(
    home: Path,
    source: str,
    offered: Offered,
    fetch: Callable[[Path], str | None],
    seen: Seen,
    key: LandingKey | None,
) -> LandedOriginal:
    """Lands a dropped file, unless it is one of this machine that has landed and has not changed since."""
    origin = Path(offered.origin)
    if not origin.is_absolute() or not origin.is_file():
        return land(home, source, offered.name, fetch, key=key)
    key_id = key.key_id if key else ""
    told = seen.told(origin)
    if told and told["key_id"] == key_id:
        original = LandedOriginal.model_validate(told["original"])
        if original.name == offered.name and landed_path(home, source, original).is_file():
            return original
    begin_reading()
    marks = seen.marks(origin)
    original = land(home, source, offered.name, fetch, key=key)
    seen.note(origin, marks, {"key_id": key_id, "original": original.model_dump(mode="json")})
    return original
