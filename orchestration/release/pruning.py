"""Removes old releases, and what nothing refers to any more.

In: the home. Out: what may go, and, when told to, that it is gone. Kept are the newest releases, the one that
is served, the one before it (so that rolling back stays possible), and those that await approval. Orphans are
originals in the landing that no receipt names: what a pull killed before its receipt has left.
"""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingestion.consent.redaction_log import lines
from ingestion.landing import read_receipts
from orchestration.release.listing import (
    Release,
    append_log,
    current_release,
    list_releases,
    releases_before,
    sync,
)

_NO_ORIGINAL = "receipts"


@dataclass(frozen=True)
class Prunable:
    """What may be removed.

    Attributes:
        releases: the releases, oldest first.
        orphans: folders of originals that no receipt names.
        size_bytes: of all files in both.
    """

    releases: list[Release]
    orphans: list[Path]
    size_bytes: int


def prunable(home: Path, keep: int) -> Prunable:
    """What may go if the newest `keep` releases stay; looks only."""
    known = list_releases(home / "releases")
    served = current_release(home / "releases")
    kept = {release.release_id for release in known[-keep:]} | _awaiting(home / "releases")
    if served is not None:
        before = releases_before(home / "releases", served)
        kept |= {release.release_id for release in (*before[-1:], served)}
    gone = [release for release in known if release.release_id not in kept]
    orphans = sorted(_orphans(home))
    size = sum(_size(folder) for folder in (*(release.folder for release in gone), *orphans))
    return Prunable(gone, orphans, size)


def prune(home: Path, what: Prunable) -> None:
    """Removes it; call it under the home's lock. A release goes whole: first its name, then its files."""
    releases = home / "releases"
    served = current_release(releases)
    for release in what.releases:
        # Under this name the next writer sweeps it away, should this process end half-way.
        leaving = releases / f".stage-pruned-{release.release_id}-{os.getpid()}"
        release.folder.rename(leaving)
        sync(releases)
        append_log(releases, "pruned", before=release.release_id, after=served.release_id if served else "")
        _remove(leaving)
    for folder in what.orphans:
        _remove(folder)


def _awaiting(releases: Path) -> set[str]:
    """Releases that were made to be approved, and neither were nor are served."""
    path = releases / "log.jsonl"
    states = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        entry = json.loads(line)
        states[entry["after"]] = entry["action"]
    return {release_id for release_id, action in states.items() if action == "awaits approval"}


def _orphans(home: Path) -> Iterator[Path]:
    for source in sorted((home / "landing").glob("*/")):
        named = {
            content for line in lines(home) if line.source == source.name for content in (line.old, line.new)
        }
        for receipt in read_receipts(home, source.name):
            for original in receipt.originals:
                named |= {original.sha256, original.came_as}
        for folder in source.iterdir():
            is_content = folder.is_dir() and folder.name != _NO_ORIGINAL and not folder.name.startswith(".")
            if is_content and folder.name not in named:
                yield folder


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _remove(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)
