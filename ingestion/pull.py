"""One pull: fetch, land, read, protect, replace, and say in a receipt what became of it.

In: a programme, a source's id and the home. Out: a receipt, also on disk; the source's lake replaced if and
only if the receipt says `landed`. Bad input never raises: it becomes a state with a message that names file
and remedy, and the version of the lake before stays. Statistics, rules and orchestration do not live here.
"""

import logging
import threading
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ingestion.claims import Claim, claimed_elsewhere
from ingestion.consent.consent import lake_was_made, without_withdrawn
from ingestion.consent.redaction_log import now_at
from ingestion.consent.reread import reread
from ingestion.corrections.served_again import newly_corrected
from ingestion.door import media
from ingestion.export_fault import Encrypted, ExportFault
from ingestion.fetching import Fetched, asks_api, fetch
from ingestion.fetching_ahead import fetching_ahead
from ingestion.lake import holds, lake_path, staging, withdraw, write_lake
from ingestion.landed_reading import input_hash, read_landed
from ingestion.landing import each_once, last_receipt_id, last_served, write_receipt
from ingestion.programme.model import Programme, Source
from ingestion.receipt import Counts, LandedOriginal, Receipt, State, new_receipt_id
from ingestion.rows.export_order import export_time
from ingestion.rows.reading import Reading
from ingestion.sandbox import ReadingBroke, reader

logger = logging.getLogger(__name__)

# What a pull that found nothing new has in common with the one before.
_SAME = ("tables", "columns_dropped", "message", *Counts.model_fields)


def pull_programme(
    programme: Programme, home: Path, sources: Iterable[str] | None = None, as_of: date | None = None
) -> Iterator[Receipt]:
    """Pulls a programme's sources, or some of them, in its order; a failure stops none of the others.

    Then every source that holds people whose withdrawal was told tonight is made again without them, whether
    it was pulled or not, and its receipt is yielded again.

    See `pull_source` for the arguments.
    """
    wanted = None if sources is None else set(sources)
    chosen = [source for source in programme.sources if wanted is None or source.source in wanted]
    # A log before what it corrects, so that one night is enough.
    chosen.sort(key=lambda source: source.role != "corrections")

    def fetched(source: Source, stopped: threading.Event) -> Fetched:
        now = datetime.now(UTC)
        receipt = Receipt(
            receipt_id=new_receipt_id(now, last_receipt_id(home, source.source)),
            source=source.source,
            pulled_at=now,
            mode=source.pull.mode,
            state="failed",
        )
        into = Fetched(receipt)
        is_frozen = as_of is not None and programme.is_frozen(source, as_of)
        try:
            fetch(programme, source, home, into, is_frozen, stopped)
        except Exception as error:
            into.fault = error
        return into

    with reader(), fetching_ahead(programme, chosen, fetched) as arrived:
        for source in chosen:
            yield _pulled(programme, source, home, arrived(source))
        for source, again in newly_corrected(programme, chosen, home):
            yield _pulled(programme, source, home, again)
        yield from reread(programme, home)


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
    chosen = programme.source(source_id).source
    receipts = pull_programme(programme, home, [chosen], as_of)
    return [receipt for receipt in receipts if receipt.source == chosen][-1]


def _pulled(programme: Programme, source: Source, home: Path, fetched: Fetched) -> Receipt:
    """The receipt of a pull whose originals have been fetched, or have not."""
    try:
        if fetched.fault:
            raise fetched.fault
        receipt = _settled(programme, source, home, fetched)
    except ExportFault as fault:
        state: State = "encrypted" if isinstance(fault, Encrypted) else "failed"
        receipt = _kept_as_it_was(home, fetched.receipt, state, str(fault))
    except OSError as error:
        message = f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}."
        remedy = "Remedy: check that the file can be read and that the disk is not full, then pull again."
        receipt = _kept_as_it_was(home, fetched.receipt, "failed", f"{message} {remedy}")
    except Exception as error:
        # The error's own text may quote a cell, so only its kind and place are told.
        here = ReadingBroke(type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        kind, place = (error if isinstance(error, ReadingBroke) else here).told
        logger.error("source %s: unexpected %s\n%s", source.source, kind, place)
        names = ", ".join(original.name for original in fetched.found[:3]) or "no file"
        message = (
            f"{names}: unexpected {kind} while pulling {source.source}. Remedy: this is a fault "
            "of Sitewise, not of the data; report it with the log."
        )
        receipt = _kept_as_it_was(home, fetched.receipt, "failed", message)
    found = [now_at(home, source.source, original) for original in fetched.found]
    receipt = receipt.model_copy(update={"originals": found})
    write_receipt(home, receipt)
    return receipt


def _settled(
    programme: Programme, source: Source, home: Path, fetched: Fetched, tells: bool = False
) -> Receipt:
    """Replaces the source's lake where what was fetched, or how it is read, is not what the lake holds."""
    receipt, served = fetched.receipt, fetched.served
    whole = each_once([*served, *fetched.found] if receipt.mode == "delta" else fetched.found)
    whole, note = without_withdrawn(programme, source, home, whole, fetched.key, tells)
    fingerprint = input_hash(programme, source, whole, home)
    times = [time for original in whole if (time := export_time(original.name))]
    receipt = receipt.model_copy(update={"input_hash": fingerprint, "export_time": max(times, default=None)})
    last = last_served(home, source.source)
    if last and last.input_hash == fingerprint and holds(home, source.source, fingerprint, last.tables):
        if claim := claimed_elsewhere(programme, source, home, whole, lake_path(home, source.source)):
            return _conflict(home, receipt, served, claim)
        fetched.found += media.fetched(last.originals)
        same = {name: getattr(last, name) for name in _SAME}
        return receipt.model_copy(update={"state": "unchanged"} | same)
    with staging(home, source.source) as staged:
        reading, filled = read_landed(
            programme, source, home, [*whole, *media.fetched(served)], fetched.key, staged, may_fetch=True
        )
        if reading.tells_withdrawals and not tells:
            return _settled(programme, source, home, fetched, tells=True)
        if not reading.tables:
            return _kept_as_it_was(home, receipt, "empty", _nothing_in(source, reading, fetched.note))
        if claim := claimed_elsewhere(programme, source, home, filled, staged):
            return _conflict(home, receipt, served, claim)
        write_lake(home, source.source, fingerprint, staged)
    fetched.found += reading.files
    lake_was_made(home, source.source)
    read: dict[str, Any] = {
        "state": "landed",
        "message": "; ".join(filter(None, [fetched.note, note, *reading.notes])),
        "tables": reading.tables,
        "columns_dropped": reading.columns_dropped,
    }
    return receipt.model_copy(update=read | reading.counts.model_dump())


def _nothing_in(source: Source, reading: Reading, note: str) -> str:
    blank = ", ".join(original.name for original in reading.blank)
    if asks_api(source):
        blank = f"{source.pull.asset} on connection {source.pull.connection}" + (blank and f", {blank}")
    told = f" ({note})" if note else ""
    return (
        f"{blank}: the export holds no rows{told}, so those of the last pull stay. Remedy: if rows were "
        "expected, export again or check what is asked for; otherwise nothing needs to be done."
    )


def _conflict(home: Path, receipt: Receipt, served: list[LandedOriginal], claim: Claim) -> Receipt:
    """The receipt of a conflict; a lake that already holds the claimed rows is withdrawn."""
    if any(original.came_as in claim.hashes for original in served):
        withdraw(home, receipt.source)
    return _kept_as_it_was(home, receipt, "conflict", claim.message)


def _kept_as_it_was(home: Path, receipt: Receipt, state: State, message: str) -> Receipt:
    """The receipt of a pull that wrote nothing: the tables are those still served."""
    last = last_served(home, receipt.source)
    tables = last.tables if last and lake_path(home, receipt.source) else []
    return receipt.model_copy(update={"state": state, "message": message, "tables": tables})
