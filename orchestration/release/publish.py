"""Makes a release: a new folder beside the others, then one symlink swap.

In: the warehouse's `published` tables and a verdict. Out: releases/<id>/ with the database, Parquet copies,
manifest and checksums, and `current` pointing at it. It refuses to exist without a passing verdict for the
very content it would publish. Nothing here computes or judges a number.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.release.content_hash import ContentHash, content_hash
from orchestration.release.listing import (
    append_log,
    current_release,
    list_releases,
    point_current,
    sync,
    sync_tree,
    was_logged,
)

READABLE_BY = "v1.2.0"


class ReleaseRefused(RuntimeError):
    """The release does not exist because the verdict does not allow it; the message says why."""


@dataclass(frozen=True)
class Verdict:
    """What the gate found about one candidate.

    Attributes:
        content_hash: the content that was judged.
        is_passing: whether it may be published.
        checks: one row per check.
    """

    content_hash: str
    is_passing: bool
    checks: pa.Table


@dataclass(frozen=True)
class Candidate:
    """What would be published, and where it came from.

    Attributes:
        warehouse: the file whose schema `published` holds the tables.
        programme: the programme's id.
        as_of: the night's date.
        keys: key columns by table.
        fingerprints: hashes of inputs, registry, rules, time and code.
        approval: `automatic`, or `manual`: then the release is made, and served once it is approved.
    """

    warehouse: Path
    programme: str
    as_of: date
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    approval: str = "automatic"


@dataclass(frozen=True)
class Published:
    """A finished release: its id and folder; `is_new` is false where the content was served already."""

    release_id: str
    folder: Path
    content_hash: str
    is_new: bool


def publish(releases: Path, candidate: Candidate, verdict: Verdict | None) -> Published:
    """Publishes a candidate, or recognises that its content is being served already.

    Raises:
        ReleaseRefused: no verdict, a failing one, or one for other content than is in the warehouse.
    """
    if verdict is None:
        raise ReleaseRefused("This candidate has no verdict. Remedy: run the whole night.")
    if not verdict.is_passing:
        raise ReleaseRefused("The candidate's verdict is not a pass. Remedy: read the failed checks.")
    content = content_hash(candidate.warehouse, keys=candidate.keys)
    if content.total != verdict.content_hash:
        raise ReleaseRefused(
            f"The verdict is for content {verdict.content_hash[:12]},"
            f" but the warehouse holds {content.total[:12]}."
            " Remedy: run the whole night, so that what is published is what was judged."
        )
    if not content.tables:
        raise ReleaseRefused("There is nothing to publish: the warehouse has no published tables.")
    served = current_release(releases)
    before = served.release_id if served else None
    twin = next((r for r in reversed(list_releases(releases)) if r.content_hash == content.total), None)
    if twin is not None and was_logged(releases, twin.release_id):
        return Published(twin.release_id, twin.folder, content.total, is_new=False)
    # A twin that the log does not know was finished by a night killed before the swap: it is served now.
    release_id = twin.release_id if twin else _new_id(releases, candidate.as_of, content.total)
    folder = releases / release_id
    if twin is None:
        stage = releases / f".stage-{release_id}-{os.getpid()}"
        stage.mkdir(parents=True)
        _write_tables(stage, candidate, verdict, content, release_id)
        _write_manifest(stage, candidate, verdict, content, release_id)
        sync_tree(stage)
        stage.rename(folder)
        sync(releases)
    if candidate.approval == "manual":
        append_log(releases, "awaits approval", before=before, after=release_id)
    else:
        point_current(releases, release_id)
        append_log(releases, "published", before=before, after=release_id)
    return Published(release_id, folder, content.total, is_new=True)


def _new_id(releases: Path, as_of: date, total: str) -> str:
    """<as_of>-<first 12 of the hash>, with a number where that content was released before."""
    plain = f"{as_of.isoformat()}-{total[:12]}"
    taken = {folder.name for folder in releases.glob(f"{plain}*")}
    candidates = (plain if n == 1 else f"{plain}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in candidates if name not in taken)


def _write_tables(
    stage: Path, candidate: Candidate, verdict: Verdict, content: ContentHash, release_id: str
) -> None:
    """The database in a format that older clients read, and each table as Parquet."""
    (stage / "parquet").mkdir()
    connection = duckdb.connect()
    try:
        connection.execute(f"attach {_text(candidate.warehouse)} as warehouse (read_only)")
        connection.execute(
            f"attach {_text(stage / 'sitewise.duckdb')} as out (storage_version '{READABLE_BY}')"
        )
        for name in content.tables:
            key = candidate.keys.get(name, ())
            order = ", ".join(f'"{column}"' for column in key) or "all"
            connection.execute(
                f'create table out."{name}" as select * from warehouse.published."{name}" order by {order}'
            )
            _copy_comments(connection, name, key)
        _write_release_tables(connection, candidate, verdict, content, release_id)
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'out'"
        ).fetchall():
            target = _text(stage / "parquet" / f"{name}.parquet")
            connection.execute(f'copy out."{name}" to {target} (format parquet)')
        connection.execute("checkpoint out")
        connection.execute("detach out")
    finally:
        connection.close()
    if list(stage.glob("*.wal")):
        raise ReleaseRefused(f"{stage} still has a write-ahead log. Remedy: run the night again.")
    written = content_hash(stage / "sitewise.duckdb", "main", candidate.keys)
    if written.total != content.total:
        raise ReleaseRefused("The written file does not hold what was judged. Remedy: check the disk.")


def _copy_comments(connection: duckdb.DuckDBPyConnection, name: str, key: Sequence[str]) -> None:
    """Every table says what it is and names its key; every column says what it holds."""
    [(comment,)] = connection.execute(
        "select comment from duckdb_tables() where database_name = 'warehouse' and schema_name = 'published'"
        " and table_name = ?",
        [name],
    ).fetchall()
    text = re.sub(r"\s*Key: [^.]*\.?\s*$", "", " ".join((comment or "").split()))
    stated = f"{text} Key: {', '.join(key) or 'none'}.".strip()
    connection.execute(f'comment on table out."{name}" is {_text(stated)}')
    for column, described in connection.execute(
        "select column_name, comment from duckdb_columns() where database_name = 'warehouse'"
        " and schema_name = 'published' and table_name = ? and comment is not null",
        [name],
    ).fetchall():
        said = " ".join(described.split())
        connection.execute(f'comment on column out."{name}"."{column}" is {_text(said)}')


def _write_release_tables(
    connection: duckdb.DuckDBPyConnection,
    candidate: Candidate,
    verdict: Verdict,
    content: ContentHash,
    release_id: str,
) -> None:
    connection.execute(
        "create table out.release as select ?::varchar as release_id, ?::varchar as programme,"
        " ?::varchar as content_hash, ?::date as as_of_date, ?::timestamp as published_at,"
        " ?::varchar as approval",
        [
            release_id,
            candidate.programme,
            content.total,
            candidate.as_of,
            _now_utc(),
            candidate.approval,
        ],
    )
    connection.register("checks", verdict.checks)
    connection.execute("create table out.release_checks as select * from checks")
    _comment(
        connection,
        "release",
        "This release: one row. Not part of the content hash. Key: release_id.",
        {
            "release_id": "The release's id, and its folder's name.",
            "programme": "The programme's id.",
            "content_hash": "SHA-256 over every other table, rows in key order.",
            "as_of_date": "The date that every time-dependent rule was judged at.",
            "published_at": "When the release was made (UTC).",
            "approval": "How it is approved: automatic or manual.",
        },
    )
    columns = {name: f"The gate's {name.replace('_', ' ')}." for name in verdict.checks.column_names}
    _comment(
        connection,
        "release_checks",
        "What the gate checked on this release's content. Not part of the content hash. Key: check_name.",
        columns,
    )


def _comment(connection: duckdb.DuckDBPyConnection, table: str, text: str, columns: dict[str, str]) -> None:
    connection.execute(f'comment on table out."{table}" is {_text(text)}')
    for column, said in columns.items():
        connection.execute(f'comment on column out."{table}"."{column}" is {_text(said)}')


def _write_manifest(
    stage: Path, candidate: Candidate, verdict: Verdict, content: ContentHash, release_id: str
) -> None:
    """The manifest, then the checksums of every file: the last files of a release."""
    manifest: dict[str, Any] = {
        "release_id": release_id,
        "programme": candidate.programme,
        "as_of_date": candidate.as_of.isoformat(),
        "published_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "content_hash": content.total,
        "tables": {
            name: {"sha256": content.tables[name], "row_count": content.row_counts[name]}
            for name in sorted(content.tables)
        },
        "keys": {name: list(key) for name, key in sorted(candidate.keys.items()) if name in content.tables},
        "fingerprints": dict(candidate.fingerprints),
        "verdict": {
            "content_hash": verdict.content_hash,
            "is_passing": verdict.is_passing,
            "checks": verdict.checks.num_rows,
        },
    }
    (stage / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(stage)}\n" for path in files
    ]
    (stage / "checksums.sha256").write_text("".join(lines))
    for path in stage.rglob("*"):
        if path.is_file():
            path.chmod(0o444)


def _now_utc() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
