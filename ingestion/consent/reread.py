"""Sources that hold people whose withdrawal was told elsewhere: their lake is made again without them.

Runs when all pulls of a night are done, over every source of the programme, pulled tonight or not, since any
source may tell a withdrawal of a unit of any other. In: a source and the home. Out: its lake, replaced where
its originals were redacted, and its last good receipt, which then tells the new counts; the receipt of a pull
that failed since stays the last. Where the originals cannot be read any more, a lake that still holds such
people is taken away: then its source is failed, and says why. Nothing is fetched.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ingestion.consent.consent import (
    anyone_withdrew,
    is_lake_clean,
    lake_holds_withdrawn,
    lake_was_made,
    without_withdrawn,
)
from ingestion.encryption import landing_key
from ingestion.export_fault import ExportFault
from ingestion.lake import forget_former, staging, withdraw, write_lake
from ingestion.landed_reading import input_hash, read_landed
from ingestion.landing import SERVED, last_served, read_receipts, served_originals, write_receipt
from ingestion.programme.model import Programme, Source
from ingestion.receipt import Receipt, new_receipt_id
from ingestion.sandbox import ReadingBroke


def reread(programme: Programme, home: Path) -> Iterator[Receipt]:
    """Makes the lakes anew that need it; costs nothing where nobody withdrew.

    Yields:
        The receipts that changed, and those of sources whose lake was taken away.
    """
    if not anyone_withdrew(home):
        return
    for source in programme.sources:
        if source.sends_no_people or next(read_receipts(home, source.source), None) is None:
            continue
        try:
            yield from _without_withdrawn(programme, source, home)
        except ExportFault as fault:
            yield from _taken_away(programme, source, home, str(fault))
        except ReadingBroke as broke:
            yield from _taken_away(programme, source, home, f"unexpected {broke.kind} while reading it")
        except OSError as error:
            why = f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}"
            yield from _taken_away(programme, source, home, why)


def _without_withdrawn(programme: Programme, source: Source, home: Path) -> Iterator[Receipt]:
    key = landing_key(programme)
    served = served_originals(home, source.source, source.pull.gathers)
    served, _ = without_withdrawn(programme, source, home, served, key)
    if is_lake_clean(home, source.source):
        return
    last = last_served(home, source.source)
    if last is None:
        return
    fingerprint = input_hash(programme, source, served, home)
    with staging(home, source.source) as staged:
        reading, _ = read_landed(programme, source, home, served, key, staged)
        write_lake(home, source.source, fingerprint, staged)
    lake_was_made(home, source.source)
    made = {
        "input_hash": fingerprint,
        "tables": reading.tables,
        "columns_dropped": reading.columns_dropped,
    }
    write_receipt(home, last.model_copy(update=made | reading.counts.model_dump()))
    for later in list(read_receipts(home, source.source)):
        if later.receipt_id > last.receipt_id and later.tables:
            write_receipt(home, later.model_copy(update={"tables": reading.tables}))
    yield next(read_receipts(home, source.source))


def _taken_away(programme: Programme, source: Source, home: Path, why: str) -> Iterator[Receipt]:
    """Nobody who withdrew may stay for a fault in the YAML or in a file."""
    try:
        holds = not is_lake_clean(home, source.source) or lake_holds_withdrawn(programme, source, home)
    except ExportFault:
        # Whoever cannot tell who withdrew cannot tell that none of them is in it.
        holds = True
    if not holds:
        return
    withdraw(home, source.source)
    forget_former(home, source.source)
    now = datetime.now(UTC)
    latest = next(read_receipts(home, source.source))
    receipt = Receipt(
        receipt_id=new_receipt_id(now, latest.receipt_id),
        source=source.source,
        pulled_at=now,
        mode=latest.mode,
        state="failed",
        message=f"its lake was taken away, since people in it withdrew and it cannot be read again without "
        f"them: {why}" + ("" if latest.state in SERVED else f" ({latest.message})"),
    )
    write_receipt(home, receipt)
    yield receipt
