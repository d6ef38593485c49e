"""One pull: fetch, land, read, protect, replace, and say in a receipt what became of it.

In: a programme, a source's id and the home. Out: a receipt, also on disk; the source's lake replaced if and
only if the receipt says `landed`. Bad input never raises: it becomes a state with a message that names file
and remedy, and the version of the lake before stays. Statistics, rules and orchestration do not live here.
"""

import hashlib
import json
import logging
import traceback
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from ingestion.claims import Claim, claimed_elsewhere
from ingestion.export_fault import ExportFault, NothingThere
from ingestion.export_order import export_time, in_export_order
from ingestion.lake import holds, lake_path, staging, withdraw, write_lake
from ingestion.landing import (
    each_once,
    land,
    landed_path,
    last_full,
    last_served,
    open_landed,
    served_originals,
    write_receipt,
)
from ingestion.platforms import PLATFORMS, drops, python_package
from ingestion.platforms.http import Api
from ingestion.platforms.protocol import Ask, Original, Outcome
from ingestion.privacy import key_id, pseudonym_key, pseudonymises, question_columns, units_are_pseudonymous
from ingestion.programme.model import Programme, Source
from ingestion.reading import Reading, read_originals
from ingestion.receipt import Counts, LandedOriginal, Receipt, State, new_receipt_id

logger = logging.getLogger(__name__)

# Raised when the same original would be read differently, so that every lake is written anew.
READER = 1
_NOT_READING = {"max_age_days", "units"}


def pull_programme(
    programme: Programme, home: Path, sources: Iterable[str] | None = None, as_of: date | None = None
) -> Iterator[Receipt]:
    """Pulls a programme's sources, or some of them, in its order; a failure stops none of the others.

    See `pull_source` for the arguments.
    """
    wanted = None if sources is None else set(sources)
    for source in programme.sources:
        if wanted is None or source.source in wanted:
            yield pull_source(programme, source.source, home, as_of)


def pull_source(programme: Programme, source_id: str, home: Path, as_of: date | None = None) -> Receipt:
    """Pulls one source.

    A source all of whose waves are frozen is not pulled again once it has been served: what it landed is
    read as the YAML now says, and changes in its drop are not looked at.

    Args:
        programme: The programme.
        source_id: The source's id.
        home: SITEWISE_HOME.
        as_of: The night's date, which tells whether waves are frozen; None takes none for frozen.

    Returns:
        The receipt, which is also stored in the landing.

    Raises:
        KeyError: The programme has no such source.
    """
    source = programme.source(source_id)
    now = datetime.now(UTC)
    receipt = Receipt(
        receipt_id=new_receipt_id(now), source=source_id, pulled_at=now, mode=source.pull.mode, state="failed"
    )
    found: list[LandedOriginal] = []
    try:
        is_frozen = as_of is not None and programme.is_frozen(source, as_of)
        receipt = _pull(programme, source, home, receipt, found, is_frozen)
    except ExportFault as fault:
        receipt = _kept_as_it_was(home, receipt, "failed", str(fault))
    except OSError as error:
        message = f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}."
        remedy = "Remedy: check that the file can be read and that the disk is not full, then pull again."
        receipt = _kept_as_it_was(home, receipt, "failed", f"{message} {remedy}")
    except Exception as error:
        # The error's own text may quote a cell, so only its kind and place are told.
        place = "".join(traceback.format_tb(error.__traceback__))
        logger.error("source %s: unexpected %s\n%s", source_id, type(error).__name__, place)
        names = ", ".join(original.name for original in found[:3]) or "no file"
        receipt = _kept_as_it_was(
            home,
            receipt,
            "failed",
            f"{names}: unexpected {type(error).__name__} while pulling {source_id}. Remedy: this is a fault "
            "of Sitewise, not of the data; report it with the log.",
        )
    receipt = receipt.model_copy(update={"originals": found})
    write_receipt(home, receipt)
    return receipt


def read_landed(
    programme: Programme, source: Source, home: Path, landed: Sequence[LandedOriginal], into: Path
) -> Reading:
    """Reads originals from the landing, each content once, into a folder; raises ExportFault."""
    originals = [
        Original(each.name, open_landed(home, source.source, each), each.kind, each.exported_at)
        for each in landed
        if each.kind == "data"
    ]
    return read_originals(programme, source, in_export_order(originals), into)


def input_hash(programme: Programme, source: Source, landed: Sequence[LandedOriginal]) -> str:
    """SHA-256 over originals and everything in the YAML that says how they are read; raises ExportFault."""
    key = pseudonym_key(programme) if pseudonymises(programme, source) else None
    config = {
        "reader": READER,
        "source": source.model_dump(mode="json", exclude=_NOT_READING),
        "door": programme.door(source).model_dump(mode="json"),
        "questions": question_columns(programme, source),
        "unit_scope": programme.units.unique_in,
        "pseudonymous_units": units_are_pseudonymous(programme),
        "key_id": key_id(key) if key else None,
        "originals": [[original.name, original.sha256] for original in landed],
    }
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _pull(
    programme: Programme,
    source: Source,
    home: Path,
    receipt: Receipt,
    found: list[LandedOriginal],
    is_frozen: bool,
) -> Receipt:
    served = served_originals(home, source.source, source.pull.gathers)
    mode = source.pull.mode
    if is_frozen and served:
        found.extend(served)
    elif source.pull.connection:
        outcome = _asked(programme, source, home, receipt, found)
        mode = outcome.mode
        receipt = receipt.model_copy(update={"mode": mode, "cursor": dict(outcome.cursor)})
    else:
        for original in _landed(programme, source, home, served):
            found.append(original)
    whole = each_once([*served, *found] if mode == "delta" else found)
    fingerprint = input_hash(programme, source, whole)
    times = [time for original in whole if (time := export_time(original.name))]
    receipt = receipt.model_copy(update={"input_hash": fingerprint, "export_time": max(times, default=None)})
    last = last_served(home, source.source)
    if last and last.input_hash == fingerprint and holds(home, source.source, fingerprint, last.tables):
        if claim := claimed_elsewhere(programme, source, home, whole, lake_path(home, source.source)):
            return _conflict(home, receipt, served, claim)
        same = {
            name: getattr(last, name)
            for name in ("tables", "columns_dropped", "message", *Counts.model_fields)
        }
        return receipt.model_copy(update={"state": "unchanged"} | same)
    with staging(home, source.source) as staged:
        reading = read_landed(programme, source, home, whole, staged)
        if not reading.tables:
            blank = ", ".join(original.name for original in reading.blank)
            return _kept_as_it_was(
                home,
                receipt,
                "empty",
                f"{blank}: the export holds no rows, so those of the last pull stay. Remedy: if rows were "
                "expected, export again; otherwise nothing needs to be done.",
            )
        paths = {original.path for original in reading.filled}
        filled = [original for original in whole if landed_path(home, source.source, original) in paths]
        if claim := claimed_elsewhere(programme, source, home, filled, staged):
            return _conflict(home, receipt, served, claim)
        write_lake(home, source.source, fingerprint, staged)
    read: dict[str, Any] = {
        "state": "landed",
        "message": "; ".join(reading.notes),
        "tables": reading.tables,
        "columns_dropped": reading.columns_dropped,
    }
    return receipt.model_copy(update=read | reading.counts.model_dump())


def _asked(
    programme: Programme, source: Source, home: Path, receipt: Receipt, found: list[LandedOriginal]
) -> Outcome:
    """Asks the source's API from where the last pull ended or, weekly, the start; lands all it gives."""
    name = source.pull.connection or ""
    connection = programme.connections[name]
    full = last_full(home, source.source)
    last = last_served(home, source.source)
    a_while = timedelta(days=source.pull.full_every_days)
    is_stale = full is None or receipt.pulled_at - full.pulled_at >= a_while
    cursor = {} if is_stale or last is None else last.cursor
    with Api(name, connection) as api:
        bodies = PLATFORMS[source.platform].ask(Ask(source, connection, api, cursor, receipt.pulled_at))
        while True:
            try:
                body = next(bodies)
            except StopIteration as end:
                return cast(Outcome, end.value)
            at = receipt.pulled_at.isoformat(timespec="milliseconds")
            found.append(land(home, source.source, body.name, body.write, body.kind, at))


def _landed(
    programme: Programme, source: Source, home: Path, served: list[LandedOriginal]
) -> Iterator[LandedOriginal]:
    """Lands what there is to pull; a delta that has delivered before may have nothing new."""
    place = python_package if source.pull.package else drops
    try:
        offers = place.list_originals(source, programme.folder)
    except NothingThere:
        if source.pull.mode == "delta" and served:
            return
        raise
    for offered in offers:
        yield land(home, source.source, offered.name, partial(place.fetch, offered))


def _conflict(home: Path, receipt: Receipt, served: list[LandedOriginal], claim: Claim) -> Receipt:
    """The receipt of a conflict; a lake that already holds the claimed rows is withdrawn."""
    if any(original.sha256 in claim.hashes for original in served):
        withdraw(home, receipt.source)
    return _kept_as_it_was(home, receipt, "conflict", claim.message)


def _kept_as_it_was(home: Path, receipt: Receipt, state: State, message: str) -> Receipt:
    """The receipt of a pull that wrote nothing: the tables are those still served."""
    last = last_served(home, receipt.source)
    tables = last.tables if last and lake_path(home, receipt.source) else []
    return receipt.model_copy(update={"state": state, "message": message, "tables": tables})
