"""Attachments in the lake: which record names which file, and what became of the file; never the file itself.

In: what the platforms' readers found that answers name, and the fate of the records. Out: the table
`_attachments`, which the registry passes over as it does every table with such a name:
`record_id`, `question`, `name`, `state` (`named`: nothing but the name is known; `present`: it lies in the
export, or beside it; `fetched`: it lies in the landing), `sha256` and `bytes` where the file was seen.

A file's name may tell who it is of (`Wanjiru.jpg`), so it stands there only where its question passes the
door; else a hash of it does. Nothing is fetched here; `media` fills in what became of the files, by the
columns that begin with `_`, which never get into the lake.
"""

import hashlib
import hmac
from collections.abc import Collection

import polars as pl

from ingestion.door.privacy import pseudonym_columns
from ingestion.door.pseudonyms import pseudonymise
from ingestion.platforms.protocol import RawTable
from ingestion.programme.model import Programme, Source
from ingestion.rows.fates import FATE, RECORD_ID
from ingestion.rows.found import Found
from ingestion.rows.settling import Settled

ATTACHMENTS = "_attachments"
# Under which name the file would lie beside a drop, and in the landing; and the address it is fetched from.
BESIDE, LANDED, URL = "_beside", "_landed", "_url"
_SCHEMA = {
    "record_id": pl.String(),
    "question": pl.String(),
    "name": pl.String(),
    "url": pl.String(),
    "sha256": pl.String(),
    "bytes": pl.Int64(),
}


def attachments(
    programme: Programme, source: Source, found: Found, main: Settled, passing: Collection[str], key: bytes
) -> pl.DataFrame | None:
    """The table of the files that kept records name, as far as the originals tell; None where they tell none.

    Args:
        programme: The programme.
        source: The source.
        found: What its originals hold.
        main: The form's own rows, settled.
        passing: The columns that pass the door, of any table.
        key: Key of the pseudonyms, empty where there are none.
    """
    pieces: list[pl.DataFrame] = []
    first = 0
    for part in main.parts:
        rows = main.marked.slice(first, len(part.table.lines))
        first += rows.height
        files = found.exports[part.order].attachments
        if files is None or not files.height:
            continue
        kept = rows.filter(pl.col(FATE).is_null())[RECORD_ID]
        files = _with_the_lakes_ids(programme, source, part.table, _whole(files), key)
        pieces.append(files.filter(pl.col("record_id").is_in(kept.implode()), pl.col("name").is_not_null()))
    if not pieces:
        return None
    return _table(pl.concat(pieces).unique(maintain_order=True), passing, key)


def beside_name(name: str) -> str:
    """Under which name a file beside a drop is told, so that its own name is not."""
    return f"media-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _whole(files: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, kind).alias(name) for name, kind in _SCHEMA.items() if name not in files.columns]
    return files.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())


def _with_the_lakes_ids(
    programme: Programme, source: Source, table: RawTable, files: pl.DataFrame, key: bytes
) -> pl.DataFrame:
    """The platform's ids as `stamps` writes them: hidden where the column that they come from is."""
    told_by = table.identity.record_id
    columns = [] if told_by is None else told_by.meta.root_names()
    hidden = pseudonym_columns(programme, source, columns)
    if not hidden:
        return files
    column, kind = next(iter(hidden.items()))
    record = source.keys.record.column if source.keys.record else ""
    as_written = "record_id" if column == record != source.keys.unit.column else ""
    return pseudonymise(files.lazy(), {"record_id": kind}, key, as_written).collect()


def _table(files: pl.DataFrame, passing: Collection[str], key: bytes) -> pl.DataFrame:
    def hidden(name: str) -> str:
        text = name.encode()
        return hmac.digest(key, text, "sha256").hex() if key else hashlib.sha256(text).hexdigest()

    def landed(row: dict[str, str | None]) -> str:
        told = "\n".join(row[part] or "" for part in ("record_id", "question", "name", "url"))
        return f"file-{hashlib.sha256(told.encode()).hexdigest()[:32]}"

    asked = pl.col("question").str.replace_all(r"\[\d+\]", "")
    hashes = pl.Series("hidden", [hidden(name) for name in files["name"]], dtype=pl.String)
    return (
        files.with_columns(
            pl.Series(BESIDE, [beside_name(name) for name in files["name"]], dtype=pl.String),
            pl.Series(LANDED, [landed(row) for row in files.iter_rows(named=True)], dtype=pl.String),
            hashes,
        )
        .select(
            "record_id",
            "question",
            pl.when(asked.is_in(list(passing))).then("name").otherwise("hidden").alias("name"),
            pl.when(pl.col("sha256").is_null())
            .then(pl.lit("named"))
            .otherwise(pl.lit("present"))
            .alias("state"),
            "sha256",
            "bytes",
            BESIDE,
            LANDED,
            pl.col("url").alias(URL),
        )
        .sort("record_id", "question", "name", LANDED, nulls_last=True)
    )
