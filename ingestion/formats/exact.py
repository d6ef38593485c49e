"""Delimited text read from character to character, strictly, by the standard library.

In: text and its delimiter. Out: its records with the line on which each begins. It is slow, and the measure
of whatever is faster. What a record's cells mean, and how many there should be, is not known here.
"""

import csv
import io
from collections.abc import Iterator

from ingestion.export_fault import ExportFault
from ingestion.formats.text import EXPORT_AGAIN, cut_off

LONGEST_CELL = 16 * 1024 * 1024
Row = list[str]
# The default of 128 KiB is less than a long answer with an embedded picture or signature.
csv.field_size_limit(LONGEST_CELL)


def records(text: str, file: str, delimiter: str) -> Iterator[tuple[int, Row]]:
    """The text's records with the line each begins on; blank lines are no records.

    Raises:
        ExportFault: Quotes do not pair, the last one is never closed, or a cell is too long.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise cut_off(file, f"the quoted cell in the row of line {line} is never closed") from error
        reason = "a cell is longer than 16 MiB" if _is_too_long(error) else "its quotes do not pair"
        raise ExportFault(
            file, f"the row that begins on line {line} cannot be read: {reason}", EXPORT_AGAIN
        ) from error


def has_longer_cell(record: str, delimiter: str) -> bool:
    """Whether a cell of one record is longer than a cell may be."""
    try:
        next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return _is_too_long(error)
    return False


def _is_too_long(error: csv.Error) -> bool:
    return "larger than field limit" in str(error)
