"""Plain CSV files with a header: frames, trackers, and exports of programs that are no survey platform.

Comma, semicolon or tab, told from the header alone. A record is identified by `keys.record`, else by its
content. The last line may lack its end, as files from spreadsheets often do, and the receipt says so; where
the last row then has too few cells, the file was cut off.
"""

from dataclasses import replace

from ingestion.formats.delimited import read_delimited
from ingestion.platforms.protocol import (
    MAIN,
    Identity,
    Original,
    RawExport,
    no_api,
    no_definition,
    raw_table,
    record_or,
)
from ingestion.programme.model import Source

_OPEN_END = "its last line has no end; if the file was cut off there, its last value is short"

ask, define = no_api, no_definition


def read(original: Original, source: Source) -> RawExport:
    """Reads one file into `main`."""
    text = read_delimited(original.path, original.name, encoding=source.encoding, must_end_line=False)
    table = raw_table(original, text, Identity(record_id=record_or(source, None)))
    return RawExport({MAIN: table if text.ends_line else replace(table, note=_OPEN_END)})
