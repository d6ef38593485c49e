"""Drops that lie elsewhere: in an object store, on an SFTP or a web server, or wherever else fsspec reaches.

In: a drop with a scheme (`s3://bucket/exports/*.csv`), and the connection that names its secrets, if any.
Out: its files, listed and fetched whole. Local folders are `drops`'s business, how a place is reached is
`remote_places`'s, and no content is looked at here.

What is fetched must be as long as was listed, and be the same file before and after: by entity tag, time of
change and size, as far as the place tells them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ingestion.export_fault import ExportFault, NothingThere
from ingestion.platforms import http, web_folder
from ingestion.platforms.protocol import Offered
from ingestion.platforms.remote_places import open_place, told
from ingestion.programme.model import Connection, Source

_WEB = ("http", "https")
# What tells one version of a file from another, in the words of the different places.
_VERSION = ("ETag", "etag", "mtime", "LastModified", "size")


@dataclass(frozen=True)
class Found(Offered):
    """A file that lies elsewhere.

    Attributes:
        fetch: Writes it to a path; raises ExportFault if it is not whole, or changed meanwhile.
    """

    fetch: Callable[[Path], None]


def list_remote(source: Source, connections: Mapping[str, Connection]) -> list[Found]:
    """Lists the files of a drop that lies elsewhere, in name order.

    Args:
        source: The source; its drop has a scheme.
        connections: The programme's connections.

    Raises:
        ExportFault: The place cannot be reached, or refuses the account.
        NothingThere: No file matches.
    """
    drop, name = source.pull.drop or "", source.pull.connection
    connection = connections[name] if name else None
    if urlsplit(drop).scheme in _WEB:
        found = [
            Found(each, drop, partial(web_folder.fetch, path, source, connection))
            for each, path in web_folder.list_files(source, connection)
        ]
    else:
        found = _listed(source, drop, connection)
    if not found:
        raise NothingThere(
            "sources.yml",
            f"source {source.source} pulls {web_folder.shown(drop)}, but no file there matches",
            "put the exports there, or correct pull.drop",
        )
    return found


def _listed(source: Source, drop: str, connection: Connection | None) -> list[Found]:
    parts = urlsplit(drop)
    pattern = f"{parts.netloc}{parts.path}" if parts.scheme != "sftp" else parts.path
    with told(source):
        place = open_place(source, connection)
        infos = place.glob(pattern, detail=True)
    kept = {
        str(path): info
        for path, info in sorted(infos.items())
        if info["type"] != "directory" and not PurePosixPath(path).name.startswith((".", "~$"))
    }
    root = _fixed_part(pattern)
    return [
        Found(
            "__".join(PurePosixPath("/", path).relative_to(PurePosixPath("/", root)).parts),
            drop,
            partial(_fetch, source, place, path, info),
        )
        for path, info in kept.items()
    ]


def _fetch(source: Source, place: Any, path: str, listed: Mapping[str, Any], target: Path) -> None:
    name = PurePosixPath(path).name
    if (listed.get("size") or 0) > http.DISK_BYTES:
        raise ExportFault(name, f"it is larger than {http.DISK_BYTES >> 30} GiB", "split the export by date")
    with told(source):
        place.get_file(path, str(target))
        place.invalidate_cache()
        after = place.info(path)
    versions = [
        {key: str(info[key]) for key in _VERSION if info.get(key) is not None} for info in (listed, after)
    ]
    if versions[0] != versions[1] or target.stat().st_size != after.get("size", target.stat().st_size):
        raise ExportFault(name, "it is still being written", "pull again when the export is complete")


def _fixed_part(pattern: str) -> PurePosixPath:
    """The folders of a pattern before its first wildcard."""
    parts = PurePosixPath(pattern).parts
    count = next((place for place, part in enumerate(parts[:-1]) if has_magic(part)), len(parts) - 1)
    return PurePosixPath(*parts[:count])
