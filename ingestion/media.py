"""Files that answers name: found beside a drop, fetched where the YAML asks for it, and told in the lake.

In: a source, its drop or its connection, and the staged table of `attachments`. Out: that table with what is
known of each file; fetched files as originals of kind `attachment`. Of the files that lie in a folder `media`
beside a dropped export, hashes and sizes are landed as `media.json`, each under a hash of the file's name, so
that the lake can be made again from the landing alone.

A fetched file stays in the landing as long as a record of the lake names it, and goes with the record; that
of a respondent who withdrew goes the same night. One is asked for from the connection's own server only, is
taken up to `http.MEMORY_BYTES`, and a server that refuses three in a row is asked for no more that night.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.attachments import ATTACHMENTS, BESIDE, LANDED, URL, beside_name
from ingestion.encryption import LandingKey
from ingestion.export_fault import ExportFault
from ingestion.lake import stage
from ingestion.landing import file_hash, land, landed_path
from ingestion.opening import opened
from ingestion.platforms import drops
from ingestion.platforms.http import Api, secret
from ingestion.platforms.protocol import Offered
from ingestion.programme.model import Connection, Programme, Source
from ingestion.receipt import LandedOriginal
from ingestion.unchanged import Seen

MANIFEST = "media.json"
# Platforms whose exports people drop with the folder of media that the platform wrote beside them.
_WITH_FOLDER = ("surveycto", "odk_central", "kobotoolbox")
_FOLDER = "media"
_FETCHED = "file-"
_MOST_REFUSALS = 3


def land_manifest(
    home: Path, source: Source, offers: Iterable[Offered], key: LandingKey | None
) -> LandedOriginal | None:
    """Lands what lies in the folders of media beside a drop, by hash; None where there is nothing.

    A file that did not change since it was last looked at is not read again.
    """
    files = _beside(offers) if source.platform in _WITH_FOLDER else {}
    if not files:
        return None
    seen = Seen(home, source.source, "media")
    told: dict[str, Any] = {}
    for name, path in files.items():
        known = seen.told(path)
        if known is None:
            marks = seen.marks(path)
            known = {"sha256": file_hash(path), "bytes": path.stat().st_size}
            seen.note(path, marks, known)
        told[beside_name(name)] = known
    seen.save()
    content = json.dumps(told, indent=1, sort_keys=True)

    def write(path: Path) -> None:
        path.write_text(content)

    return land(home, source.source, MANIFEST, write, "attachment", key=key)


def fetched(originals: Iterable[LandedOriginal]) -> list[LandedOriginal]:
    """Those of a receipt's originals that are files which answers name."""
    return [each for each in originals if each.kind == "attachment" and each.name.startswith(_FETCHED)]


def complete(
    programme: Programme,
    source: Source,
    home: Path,
    landed: Sequence[LandedOriginal],
    key: LandingKey | None,
    into: Path,
    may_fetch: bool,
) -> tuple[list[LandedOriginal], str]:
    """Fills in the staged table of attachments, and removes fetched files that it names no more.

    Args:
        programme: The programme.
        source: The source.
        home: SITEWISE_HOME.
        landed: What has landed of the source, the attachments among it.
        key: The landing's key, if it has one.
        into: The staged folder.
        may_fetch: Whether files that have not landed are fetched, where the YAML asks for it.

    Returns:
        The fetched files that the table names, and what whoever pulled should know, or nothing.
    """
    file = into / f"{ATTACHMENTS}.parquet"
    if not file.exists():
        return [], ""
    table = pl.read_parquet(file)
    names = set(table[LANDED])
    held = {each.name: each for each in fetched(landed) if landed_path(home, source.source, each).is_file()}
    for name in held.keys() - names:
        _remove(home, source.source, held.pop(name))
    refused = 0
    if may_fetch and source.pull.attachments == "fetch":
        wanted = table.filter(~pl.col(LANDED).is_in(list(held))).unique(LANDED, maintain_order=True)
        new = list(_fetched(programme, source, home, key, wanted))
        held |= {each.name: each for each in new}
        refused = wanted.height - len(new)
    whole = _filled(table, _manifest(home, source.source, landed, key), held)
    stage(whole.lazy(), into, ATTACHMENTS, whole.height)
    note = f"{refused} files that answers name could not be fetched" if refused else ""
    return [held[name] for name in sorted(held)], note


def _filled(
    table: pl.DataFrame, beside: dict[str, dict[str, Any]], held: dict[str, LandedOriginal]
) -> pl.DataFrame:
    here = [(name, "present", each["sha256"], each["bytes"]) for name, each in beside.items()]
    there = [(name, "fetched", each.sha256, each.bytes) for name, each in held.items()]
    parts = ("state", "sha256", "bytes")
    for column, found in ((BESIDE, here), (LANDED, there)):
        schema = {column: pl.String(), "_state": pl.String(), "_sha256": pl.String(), "_bytes": pl.Int64()}
        told = pl.DataFrame(found, schema=schema, orient="row")
        table = table.join(told, on=column, how="left", maintain_order="left")
        # What the later says goes as a whole: a hash does not belong to another's size.
        table = table.with_columns(
            pl.when(pl.col("_state").is_null()).then(part).otherwise(f"_{part}").alias(part) for part in parts
        ).drop(f"_{part}" for part in parts)
    return table.drop(BESIDE, LANDED, URL)


def _manifest(
    home: Path, source: str, landed: Sequence[LandedOriginal], key: LandingKey | None
) -> dict[str, dict[str, Any]]:
    manifests = [each for each in landed if each.kind == "attachment" and each.name == MANIFEST]
    with opened(home, source, manifests, key) as paths:
        found: dict[str, dict[str, Any]] = {}
        for path in paths:
            found |= json.loads(path.read_bytes())
    return found


def _fetched(
    programme: Programme, source: Source, home: Path, key: LandingKey | None, wanted: pl.DataFrame
) -> Iterator[LandedOriginal]:
    """Lands what can be had of the files wanted."""
    if source.pull.asset is None:
        files = {beside_name(name): path for name, path in _dropped(programme, source).items()}
        for name, beside in wanted.select(LANDED, BESIDE).iter_rows():
            if path := files.get(beside):
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
        return _beside(drops.list_originals(source, programme.folder, programme.connections))
    except ExportFault:
        return {}


def _beside(offers: Iterable[Offered]) -> dict[str, Path]:
    """The files of the folders of media beside dropped files of this machine, by name."""
    origins = [Path(offered.origin) for offered in offers]
    folders = dict.fromkeys(origin.parent / _FOLDER for origin in origins if origin.is_absolute())
    paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_file() and not path.name.startswith("."):
            found.setdefault(path.name, path)
    return found


def _remove(home: Path, source: str, original: LandedOriginal) -> None:
    path = landed_path(home, source, original)
    path.unlink(missing_ok=True)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()


def _copied(origin: Path, target: Path) -> None:
    shutil.copyfile(origin, target)


def _put(content: bytes, target: Path) -> None:
    target.write_bytes(content)
