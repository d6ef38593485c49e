"""Files that answers name, fetched from the platform or copied from beside the drop.

In: which files are wanted, by their names in the landing, and where they are to be had. Out: landed originals
of kind `attachment`. A file is asked for from the connection's own server only, is taken up to
`http.MEMORY_BYTES`, and a server that refuses three in a row is asked for no more that night.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.door.attachments import BESIDE, LANDED, URL, beside_name
from ingestion.door.media_folder import beside
from ingestion.encryption import LandingKey
from ingestion.export_fault import ExportFault
from ingestion.landing import land
from ingestion.platforms import drops
from ingestion.platforms.http import Api, secret
from ingestion.programme.model import Connection, Programme, Source
from ingestion.receipt import LandedOriginal

_MOST_REFUSALS = 3


def fetch_files(
    programme: Programme, source: Source, home: Path, key: LandingKey | None, wanted: pl.DataFrame
) -> Iterator[LandedOriginal]:
    """Lands what can be had of the files wanted, each as it comes.

    Args:
        programme: The programme.
        source: The source.
        home: SITEWISE_HOME.
        key: The landing's key, if it has one.
        wanted: Rows of the staged table of attachments, a file each.

    Raises:
        ExportFault: A secret of the connection is not set.
    """
    if source.pull.asset is None:
        files = {beside_name(name): path for name, path in _dropped(programme, source).items()}
        for name, other in wanted.select(LANDED, BESIDE).iter_rows():
            if path := files.get(other):
                yield land(home, source.source, name, partial(_copied, path), "attachment", key=key)
        return
    name = source.pull.connection or ""
    connection = programme.connections[name]
    options = _signed(source, name, connection)
    refusals = 0
    with Api(name, connection) as api:
        for landed_name, url in wanted.filter(pl.col(URL).is_not_null()).select(LANDED, URL).iter_rows():
            try:
                content = api.get(api.same_host(url), **options).content
            except ExportFault:
                refusals += 1
                if refusals == _MOST_REFUSALS:
                    return
                continue
            refusals = 0
            yield land(home, source.source, landed_name, partial(_put, content), "attachment", key=key)


def _signed(source: Source, name: str, connection: Connection) -> dict[str, Any]:
    """How a platform wants to be asked for a file; the addresses it hands out name the file alone."""
    if source.platform == "kobotoolbox":
        return {"headers": {"Authorization": f"Token {secret(name, 'token', connection.token)}"}}
    user = secret(name, "username", connection.username)
    if source.platform == "commcare":
        return {"headers": {"Authorization": f"ApiKey {user}:{secret(name, 'token', connection.token)}"}}
    return {"auth": (user, secret(name, "password", connection.password))}


def _dropped(programme: Programme, source: Source) -> dict[str, Path]:
    try:
        return beside(drops.list_originals(source, programme.folder, programme.connections))
    except ExportFault:
        return {}


def _copied(origin: Path, target: Path) -> None:
    shutil.copyfile(origin, target)


def _put(content: bytes, target: Path) -> None:
    target.write_bytes(content)
