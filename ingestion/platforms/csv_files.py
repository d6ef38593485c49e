"""Plain CSV files with a header: frames, trackers, and exports of programs that are no survey platform.

Comma, semicolon or tab, told from the header alone. A record is identified by `keys.record`, else by its
content. The last line may lack its end, as files from spreadsheets often do, and the receipt says so; where
the last row then has too few cells, the file was cut off. Several files may come in one zip archive.
"""

from pathlib import Path

from ingestion.formats.delimited import read_delimited
from ingestion.platforms.plain import Tables, plain_table, read_files
from ingestion.platforms.protocol import MAIN, Original, RawExport, no_api, no_definition
from ingestion.programme.model import Source

_OPEN_END = "its last line has no end; if the file was cut off there, its last value is short"

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one file, or those of an archive, into `main`."""

    def one(data: bytes | Path, file: str) -> Tables:
        text = read_delimited(data, file, encoding=source.encoding, must_end_line=False)
        return {MAIN: plain_table(text, source, file, "" if text.ends_line else _OPEN_END)}

    return read_files(original, (".csv", ".tsv", ".txt"), one)
