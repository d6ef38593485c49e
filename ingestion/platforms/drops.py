"""Drops: files that people or other programs put where the programme says, in a folder or elsewhere.

In: a source whose pull names a `drop`. Out: its files, listed and fetched. Their content is not looked at
here, and places that are no folder of this machine are `remote`'s business.
"""

from collections.abc import Mapping
from glob import has_magic
from pathlib import Path, PurePosixPath

from ingestion.copying import copied
from ingestion.export_fault import ExportFault, NothingThere
from ingestion.platforms import remote
from ingestion.platforms.protocol import Offered
from ingestion.programme.model import Connection, Source


def list_originals(
    source: Source, folder: Path, connections: Mapping[str, Connection] | None = None
) -> list[Offered]:
    """Lists the files of a source's drop, in name order.

    Args:
        source: The source.
        folder: The programme's folder.
        connections: The programme's connections.

    Raises:
        ExportFault: The folder is missing, or the place cannot be reached.
        NothingThere: No file in it matches.
    """
    pattern = source.pull.drop
    if pattern is None:
        raise ExportFault(
            "sources.yml",
            f"source {source.source} does not say where the exports of {source.platform} are dropped",
            "write pull: {drop: exports/*.csv}",
        )
    if source.pull.is_remote:
        return [*remote.list_remote(source, connections or {})]
    fixed, wild = _split(pattern)
    place = folder / fixed
    if not place.is_dir():
        raise ExportFault(
            "sources.yml",
            f"source {source.source} pulls {pattern}, but the folder {place} does not exist",
            "create the folder and put the exports there, or correct pull.drop",
        )
    files = sorted(
        path for path in place.glob(wild) if path.is_file() and not path.name.startswith((".", "~$"))
    )
    if not files:
        raise NothingThere(
            "sources.yml",
            f"source {source.source} pulls {pattern}, but no file in {place} matches",
            "put the exports there, or correct pull.drop",
        )
    return [Offered("__".join(path.relative_to(place).parts), str(path)) for path in files]


def fetch(offered: Offered, target: Path) -> str | None:
    """Copies a dropped file, and tells its hash if it knows; raises ExportFault if it changes meanwhile."""
    if isinstance(offered, remote.Found):
        offered.fetch(target)
        return None
    origin = Path(offered.origin)
    before = origin.stat()
    sha256 = copied(origin, target)
    after = origin.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ExportFault(offered.name, "it is still being written", "pull again when the export is complete")
    return sha256


def _split(pattern: str) -> tuple[str, str]:
    """The folders of a pattern before its first wildcard, and the rest of it."""
    parts = PurePosixPath(pattern).parts
    count = next((place for place, part in enumerate(parts[:-1]) if has_magic(part)), len(parts) - 1)
    return str(PurePosixPath(*parts[:count])), str(PurePosixPath(*parts[count:]))
