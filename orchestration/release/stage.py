"""Writes a release's files into a folder that nobody reads yet.

In: a candidate, its verdict and content hash. Out: the database in a format that older clients read, Parquet
copies, the report, the manifest and the checksums. Whether it may be published, and serving it: publish.py.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.release.candidate import Candidate, Verdict
from orchestration.release.content_hash import ContentHash, content_hash
from orchestration.release.signing import CHECKSUMS, public_text, sign
from orchestration.warehouse import read_table

READABLE_BY = "v1.2.0"
FINGERPRINTS = ("inputs", "registry", "rules", "code")
Report = Callable[[Mapping[str, pa.Table], Mapping[str, str], Path], None]


class NotWhole(RuntimeError):
    """What was written is not what was judged; the message says how to go on."""


def write_stage(
    stage: Path,
    candidate: Candidate,
    verdict: Verdict,
    content: ContentHash,
    release_id: str,
    sequence: int,
    report: Report | None,
) -> None:
    """Writes everything a release holds; `sequence` is its place among the releases made.

    Raises:
        NotWhole: the written database differs from what was judged.
    """
    _write_tables(stage, candidate, verdict, content, release_id)
    if report is not None:
        facts = {
            "release_id": release_id,
            "title": candidate.title or candidate.programme,
            "as_of_date": candidate.as_of.isoformat(),
            "content_hash": content.total,
        }
        tables = {name: read_table(stage / "sitewise.duckdb", f"main.{name}") for name in content.tables}
        report(tables, facts, stage / "report" / "index.html")
    _write_manifest(stage, candidate, verdict, content, release_id, sequence)


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
        raise NotWhole(f"{stage} still has a write-ahead log. Remedy: run the night again.")
    written = content_hash(stage / "sitewise.duckdb", "main", candidate.keys)
    if written.total != content.total:
        raise NotWhole("The written file does not hold what was judged. Remedy: check the disk.")


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
        " ?::varchar as approval" + "".join(f", ?::varchar as {kind}_fingerprint" for kind in FINGERPRINTS),
        [
            release_id,
            candidate.programme,
            content.total,
            candidate.as_of,
            _now_utc(),
            candidate.approval,
            *(candidate.fingerprints.get(kind) for kind in FINGERPRINTS),
        ],
    )
    connection.register("receipts", candidate.receipts)
    connection.execute("create table out.release_receipts as select * from receipts order by all")
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
            "inputs_fingerprint": "SHA-256 over all that was pulled.",
            "registry_fingerprint": "SHA-256 over what the programme's YAML says, but for the rules.",
            "rules_fingerprint": "SHA-256 over the rules of quality.",
            "code_fingerprint": "SHA-256 over the code and the versions of its engines.",
        },
    )
    _comment(
        connection,
        "release_receipts",
        "The pulls whose rows are in this release. Not part of the content hash. Key: source, receipt_id.",
        {
            "source": "One stream of exports.",
            "receipt_id": "The receipt's id, and the name of its file in the landing.",
            "pulled_at": "When it was pulled (UTC).",
            "mode": "snapshot (absent rows are deleted) or delta.",
            "input_hash": "SHA-256 over the originals read and how they were read.",
            "original_count": "Files that the pull found.",
        },
    )
    _comment(
        connection,
        "release_checks",
        "What the gate checked on this release's content. Not part of the content hash."
        " Key: table_name, check_name, column_name.",
        {
            "table_name": "The table that was checked.",
            "check_name": "What was checked of it.",
            "column_name": "The column it concerns; empty where it is the whole table.",
            "severity": "critical (a failure refuses the release) or warning.",
            "state": "pass, warn, fail or error.",
            "detail": "Counts of rows, or why the check could not be made.",
        },
    )


def _comment(connection: duckdb.DuckDBPyConnection, table: str, text: str, columns: dict[str, str]) -> None:
    connection.execute(f'comment on table out."{table}" is {_text(text)}')
    for column, said in columns.items():
        connection.execute(f'comment on column out."{table}"."{column}" is {_text(said)}')


def _write_manifest(
    stage: Path,
    candidate: Candidate,
    verdict: Verdict,
    content: ContentHash,
    release_id: str,
    sequence: int,
) -> None:
    """The manifest, then the checksums of every file and their signature: the last files of a release."""
    manifest: dict[str, Any] = {
        "release_id": release_id,
        "sequence": sequence,
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
            "fingerprints": dict(verdict.fingerprints),
        },
        "signed_by": public_text(candidate.signer) if candidate.signer else None,
    }
    (stage / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(stage)}\n" for path in files
    ]
    (stage / CHECKSUMS).write_text("".join(lines))
    if candidate.signer:
        sign(stage, candidate.signer)
    for path in stage.rglob("*"):
        if path.is_file():
            path.chmod(0o444)


def _now_utc() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
