"""The lake, made again from the landing alone: nothing is pulled, and no receipt is written.

In: a programme and a home with a landing. Out: the lake, with the same bytes as when it was first written.
"""

from collections.abc import Iterator
from pathlib import Path

from ingestion.consent.consent import lake_was_made, without_withdrawn
from ingestion.encryption import landing_key
from ingestion.export_fault import ExportFault
from ingestion.lake import staging, write_lake
from ingestion.landed_reading import input_hash, read_landed
from ingestion.landing import served_originals
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal
from ingestion.sandbox import ReadingBroke, reader


def rebuild(programme: Programme, home: Path) -> Iterator[tuple[str, ExportFault | None]]:
    """Rebuilds the lake of every source that has landed something.

    Yields:
        A source's id, and the fault for which its lake was left as it is, or None.
    """
    with reader():
        for source in programme.sources:
            landed = served_originals(home, source.source, source.pull.gathers)
            if landed:
                yield source.source, _rebuilt(programme, source, home, landed)


def _rebuilt(
    programme: Programme, source: Source, home: Path, landed: list[LandedOriginal]
) -> ExportFault | None:
    try:
        key = landing_key(programme)
        landed, _ = without_withdrawn(programme, source, home, landed, key)
        with staging(home, source.source) as staged:
            reading, _ = read_landed(programme, source, home, landed, key, staged)
            if reading.tables:
                write_lake(home, source.source, input_hash(programme, source, landed, home), staged)
                lake_was_made(home, source.source)
    except ExportFault as fault:
        return fault
    except ReadingBroke as broke:
        return ExportFault(source.source, f"unexpected {broke.kind} while reading it", "report it")
    return None
