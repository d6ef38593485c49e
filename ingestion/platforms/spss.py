"""SPSS files, .sav and .zsav, whose rows are records: cells are codes, never labels.

User-missing values are their codes. A record is identified by `keys.record`, else by its content. Several
files may come in one zip archive; the labels of a file serve as a form definition.
"""

from pathlib import Path

from ingestion.definitions.value_labels import read_value_labels
from ingestion.formats.spss_stata import read_labelled
from ingestion.platforms.plain import Tables, plain_table, read_files
from ingestion.platforms.protocol import MAIN, Original, RawExport, no_api
from ingestion.programme.model import Source

ask, define = no_api, read_value_labels


def read(original: Original, source: Source) -> RawExport:
    """Reads one file, or those of an archive, into `main`."""

    def one(data: bytes | Path, file: str) -> Tables:
        labelled = read_labelled(data, file, "spss", source.encoding)
        return {MAIN: plain_table(labelled.text, source, file)}

    return read_files(original, (".sav", ".zsav"), one)
