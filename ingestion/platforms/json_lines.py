"""JSON lines, or a JSON array, whose objects are records; lists of objects within them are repeats.

A record is identified by `keys.record`, which a file with repeats must have, else by its content. Row n of a
repeat is `<record>/<repeat>[n]`. Several files may come in one zip archive.
"""

from dataclasses import replace
from pathlib import Path

import polars as pl

from ingestion.formats.json_lines import PARENT_ROW, ROW, read_json
from ingestion.platforms.plain import Tables, plain_table, read_files
from ingestion.platforms.protocol import Identity, Original, RawExport, no_api, no_definition
from ingestion.programme.model import Source

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one file, or those of an archive, into `main` and its repeats."""
    record = source.keys.record.column if source.keys.record else None

    def one(data: bytes | Path, file: str) -> Tables:
        content = data.read_bytes() if isinstance(data, Path) else data
        read = read_json(content, file, source.encoding, record)
        tables = {name: plain_table(text, source, file) for name, text in read.tables.items()}
        for name, parent in read.parents.items():
            root = pl.col(record or "")
            identity = Identity(
                record_id=pl.concat_str(root, pl.col(ROW)),
                parent_record_id=pl.concat_str(root, pl.col(PARENT_ROW).fill_null("")),
                root_record_id=root,
            )
            tables[name] = replace(tables[name], identity=identity, parent=parent)
        return tables

    return read_files(original, (".jsonl", ".ndjson", ".json"), one)
