"""The lake, made again from the landing alone: nothing is pulled, and no receipt is written.

In: a programme and a home with a landing. Out: the lake, with the same bytes as when it was first written.
"""

from collections.abc import Iterator
from pathlib import Path

from ingestion.export_fault import ExportFault
from ingestion.lake import staging, write_lake
from ingestion.landing import served_originals
from ingestion.programme.model import Programme
from ingestion.pull import input_hash, read_landed


def rebuild(programme: Programme, home: Path) -> Iterator[tuple[str, ExportFault | None]]:
    """Rebuilds the lake of every source that has landed something.

    Yields:
        A source's id, and the fault for which its lake was left as it is, or None.
    """
    for source in programme.sources:
        landed = served_originals(home, source.source, source.pull.gathers)
        if not landed:
            continue
        try:
            with staging(home, source.source) as staged:
                if read_landed(programme, source, home, landed, staged).tables:
                    write_lake(home, source.source, input_hash(programme, source, landed), staged)
            yield source.source, None
        except ExportFault as fault:
            yield source.source, fault
