"""Sources whose log was pulled while they were not: what they served is read again, and nothing is fetched.

In: the sources of a pull. Out: the others that their logs correct, as if they had just been fetched as they
were. A source whose last pull failed waits for its next one, so that its failure goes on being told.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ingestion.encryption import landing_key
from ingestion.export_fault import ExportFault
from ingestion.fetching import Fetched, asks_api
from ingestion.landing import SERVED, read_receipts, served_originals
from ingestion.programme.model import Programme, Source
from ingestion.receipt import Receipt, new_receipt_id


def newly_corrected(
    programme: Programme, pulled: Sequence[Source], home: Path
) -> Iterator[tuple[Source, Fetched]]:
    """The sources that only their logs may have changed, with what they served last."""
    corrected = {name for source in pulled for name in source.of}
    for source in programme.sources:
        last = next(read_receipts(home, source.source), None)
        if source.source not in corrected or source in pulled or last is None or last.state not in SERVED:
            continue
        now = datetime.now(UTC)
        is_api = asks_api(source)
        receipt = Receipt(
            receipt_id=new_receipt_id(now, last.receipt_id),
            source=source.source,
            pulled_at=now,
            mode="delta" if is_api else last.mode,
            state="failed",
            cursor=last.cursor,
            asked_of=last.asked_of,
        )
        into = Fetched(receipt)
        try:
            into.key = landing_key(programme)
        except ExportFault as fault:
            into.fault = fault
        into.served = served_originals(home, source.source, source.pull.gathers)
        into.found = [] if is_api else list(into.served)
        yield source, into
