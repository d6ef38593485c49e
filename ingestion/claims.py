"""Two sources that claim the same submissions: the one that stands first in sources.yml keeps them.

In: a survey source and what it has just read. Out: the claim of an earlier source on the same original and
the same records, if there is one. Sources that read different instruments, or different rows, of one original
share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.lake import lake_path
from ingestion.landing import SERVED, read_receipts, served_originals
from ingestion.platforms.protocol import MAIN
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal
from ingestion.rows.fates import RECORD_ID


@dataclass(frozen=True)
class Claim:
    """An earlier source's claim.

    Attributes:
        hashes: Content of the originals that both sources pulled.
        message: Both sources, both files, and the remedy.
    """

    hashes: frozenset[str]
    message: str


def claimed_elsewhere(
    programme: Programme,
    source: Source,
    home: Path,
    originals: Sequence[LandedOriginal],
    folder: Path | None,
) -> Claim | None:
    """Looks for an earlier survey source with the same instrument, original and records.

    Args:
        programme: The programme.
        source: The source.
        home: SITEWISE_HOME.
        originals: The originals that its rows come from.
        folder: Where its tables lie, in the lake or staged for it.
    """
    if source.role != "survey":
        return None
    place = programme.sources.index(source)
    for other in programme.sources[:place]:
        if other.role != "survey" or other.instrument != source.instrument:
            continue
        latest = next(read_receipts(home, other.source), None)
        if latest is None or latest.state not in SERVED:
            continue
        theirs = {
            each.came_as: each.name for each in served_originals(home, other.source, other.pull.gathers)
        }
        shared = [each for each in originals if each.came_as in theirs]
        if shared and (count := _shared_count(lake_path(home, other.source), folder)):
            first = shared[0]
            return Claim(
                frozenset(each.came_as for each in shared),
                f"{first.name} of source {source.source} is the same file as {theirs[first.came_as]} of "
                f"source {other.source}, and {count} of its submissions are already there. Remedy: let only "
                "one of the two pull this file: correct pull.drop, or tell rows apart with accept.where.",
            )
    return None


def _shared_count(theirs: Path | None, ours: Path | None) -> int:
    if theirs is None or ours is None:
        return 0
    ids = [pl.scan_parquet(folder / f"{MAIN}.parquet").select(RECORD_ID) for folder in (theirs, ours)]
    return int(ids[1].join(ids[0], on=RECORD_ID, how="semi").select(pl.len()).collect().item())
