"""Which logs correct a source, and where they lie: those of the last good pull of every log.

In: a programme, a source and the home. Out: sources of corrections with their landed originals, and these as
paths for as long as they are read. What stands in a log is not looked at here.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ingestion.encryption import LandingKey
from ingestion.landing import served_originals
from ingestion.opening import opened
from ingestion.platforms.protocol import Original
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal
from ingestion.rows.export_order import in_export_order

Logs = Sequence[tuple[Source, Sequence[Original]]]
LandedLogs = Sequence[tuple[Source, Sequence[LandedOriginal]]]


def landed_logs(programme: Programme, source: Source, home: Path) -> LandedLogs:
    """The logs that correct a source, in the order of sources.yml, and what each has landed."""
    return [
        (log, [each for each in served_originals(home, log.source, log.pull.gathers) if each.kind == "data"])
        for log in programme.sources
        if log.role == "corrections" and source.source in log.of
    ]


@contextmanager
def opened_logs(landed: LandedLogs, home: Path, key: LandingKey | None) -> Iterator[Logs]:
    """Logs that can be read while the context lasts; raises ExportFault as `opened`."""
    with ExitStack() as stack:
        logs = []
        for log, originals in landed:
            paths = stack.enter_context(opened(home, log.source, originals, key))
            found = [
                Original(each.name, path, each.kind, each.exported_at)
                for each, path in zip(originals, paths, strict=True)
            ]
            logs.append((log, in_export_order(found)))
        yield logs
