"""Landed originals, read into the tables of a lake; and the hash of all that decides what comes of it.

In: originals that have landed. Out: staged tables, and one hash over the originals and how they are read: the
same hash, the same tables. Nothing is fetched, and no receipt is known here.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ingestion.corrections.logs import landed_logs, opened_logs
from ingestion.door.media import complete
from ingestion.door.media_folder import MANIFEST
from ingestion.door.privacy import (
    identifying_columns,
    pseudonymises,
    question_columns,
    units_are_pseudonymous,
)
from ingestion.door.pseudonyms import key_id, pseudonym_key
from ingestion.encryption import LandingKey
from ingestion.opening import opened
from ingestion.platforms.protocol import Original
from ingestion.programme.model import Programme, Source
from ingestion.receipt import LandedOriginal
from ingestion.rows.export_order import in_export_order
from ingestion.rows.reading import Reading
from ingestion.sandbox import reader

# Raised when the same original would be read differently, so that every lake is written anew.
READER = 2
_NOT_READING = {"asked", "max_age_days", "of", "units"}


def read_landed(
    programme: Programme,
    source: Source,
    home: Path,
    landed: Sequence[LandedOriginal],
    key: LandingKey | None,
    into: Path,
    may_fetch: bool = False,
) -> tuple[Reading, list[LandedOriginal]]:
    """Reads originals from the landing, each content once, into a folder.

    Args:
        programme: The programme.
        source: The source.
        home: SITEWISE_HOME.
        landed: What has landed, files that answers name among it.
        key: The landing's key, if it has one.
        into: An empty folder.
        may_fetch: Whether such files are fetched where the YAML asks for it.

    Returns:
        What is in them, and those that hold at least one row.

    Raises:
        ExportFault: One cannot be opened or used.
        ReadingBroke: An error that nobody foresaw.
    """
    data = _data(landed)
    with (
        opened(home, source.source, data, key) as paths,
        opened_logs(landed_logs(programme, source, home), home, key) as logs,
        reader() as child,
    ):
        originals = [
            Original(each.name, path, each.kind, each.exported_at, each.redacted_from is not None)
            for each, path in zip(data, paths, strict=True)
        ]
        reading = child.read(programme, source, in_export_order(originals), into, logs)
    files, note = complete(programme, source, home, landed, key, into, may_fetch)
    reading = replace(reading, files=files, notes=reading.notes + [note] * bool(note))
    filled = {original.path for original in reading.filled}
    return reading, [each for each, path in zip(data, paths, strict=True) if path in filled]


def input_hash(
    programme: Programme, source: Source, landed: Sequence[LandedOriginal], home: Path | None = None
) -> str:
    """SHA-256 over originals and all that says how they are read, logs too; raises ExportFault."""
    key = pseudonym_key(programme) if pseudonymises(programme, source) else None
    config = {
        "reader": READER,
        "source": source.model_dump(mode="json", exclude=_NOT_READING),
        "door": programme.door(source).model_dump(mode="json"),
        "questions": question_columns(programme, source),
        "identifying": sorted(identifying_columns(programme, source)),
        "public": programme.privacy.public,
        "unit_scope": programme.units.unique_in,
        "pseudonymous_units": units_are_pseudonymous(programme),
        "key_id": key_id(key) if key else None,
        "media": [each.sha256 for each in landed if each.name == MANIFEST],
        "originals": [[original.name, original.sha256] for original in in_export_order(_data(landed))],
    }
    # Only where there are some: whoever corrects nothing keeps the lake it has.
    if home is not None and (logs := landed_logs(programme, source, home)):
        config["logs"] = [
            [
                log.model_dump(mode="json", exclude=_NOT_READING),
                [[each.name, each.sha256] for each in in_export_order(originals)],
            ]
            for log, originals in logs
        ]
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _data(landed: Sequence[LandedOriginal]) -> list[LandedOriginal]:
    """Originals that hold answers: a form that changed is told, but alone gives no reason to read again."""
    return [each for each in landed if each.kind == "data"]
