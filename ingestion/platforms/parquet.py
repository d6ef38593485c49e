"""Parquet files, whose rows are records.

A record is identified by `keys.record`, else by its content. Several files may come in one zip archive.
"""

from pathlib import Path

from ingestion.formats.parquet import read_parquet
from ingestion.platforms.plain import Tables, plain_table, read_files
from ingestion.platforms.protocol import MAIN, Original, RawExport, no_api, no_definition
from ingestion.programme.model import Source

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one file, or those of an archive, into `main`."""

    def one(data: bytes | Path, file: str) -> Tables:
        return {MAIN: plain_table(read_parquet(data, file), source, file)}

    return read_files(original, (".parquet",), one)
