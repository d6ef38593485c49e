"""Files that answers name, as the lake tells them: what became of each, and which of them the landing keeps.

In: the staged table of `attachments`, and what has landed. Out: that table with what is known of each file. A
fetched file stays in the landing as long as a record of the lake names it, and goes with the record; that of
a respondent who withdrew goes the same night.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.door.attachments import ATTACHMENTS, BESIDE, LANDED, URL
from ingestion.door.media_fetching import fetch_files
from ingestion.door.media_folder import read_manifest
from ingestion.encryption import LandingKey
from ingestion.lake import stage
from ingestion.landing import landed_path
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal

_FETCHED = "file-"


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
        new = list(fetch_files(programme, source, home, key, wanted))
        held |= {each.name: each for each in new}
        refused = wanted.height - len(new)
    whole = _filled(table, read_manifest(home, source.source, landed, key), held)
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


def _remove(home: Path, source: str, original: LandedOriginal) -> None:
    path = landed_path(home, source, original)
    path.unlink(missing_ok=True)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
