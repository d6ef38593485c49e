"""Delimited text, read strictly: every cell a string, every row as wide as the header, no guessing of types.

In: the bytes of one file with its encoding and delimiter. Out: `TextTable`: cells (blank = NULL), the line of
every row, and the rows that do not fit the header. What the columns mean is the platforms' business.

A file that was cut off is refused as a whole, since the loss of its last rows cannot be told from their
absence.
"""

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.text import EXPORT_AGAIN, cut_off, decode

DELIMITERS = (",", ";", "\t")
_CHUNK_ROWS = 20_000
# The default of 128 KiB is less than a long answer with an embedded picture or signature.
csv.field_size_limit(16 * 1024 * 1024)


@dataclass(frozen=True)
class Ragged:
    """A row that cannot be taken, mostly since its number of cells differs from the header's.

    Attributes:
        line: Line of the file on which the row begins, counted from 1.
        cell_count: Cells found.
        expected_count: Cells in the header.
        reason: Why it was not taken, where its number of cells is not why.
    """

    line: int
    cell_count: int
    expected_count: int
    reason: str = ""


@dataclass(frozen=True)
class TextTable:
    """A file as text.

    Attributes:
        cells: All columns of type String in the file's order, blank cells NULL; none if the file is blank.
        columns: Their names.
        lines: Line on which each row of `cells` begins.
        ragged: Rows left out of `cells`.
        delimiter: The delimiter that was used.
        ends_line: Whether the last line has its end.
    """

    cells: pl.LazyFrame
    columns: tuple[str, ...]
    lines: pl.Series
    ragged: tuple[Ragged, ...]
    delimiter: str = ","
    ends_line: bool = True


def text_table(cells: pl.DataFrame, lines: pl.Series | None = None) -> TextTable:
    """A table whose cells are already here; without lines, its rows are numbered from 1.

    Args:
        cells: Columns of type String, blank cells NULL.
        lines: Where in the file each row stands.
    """
    lines = pl.int_range(1, cells.height + 1, eager=True) if lines is None else lines
    return TextTable(cells.lazy(), tuple(cells.columns), lines.rename("line"), ())


def read_delimited(
    data: bytes | Path,
    file: str,
    *,
    encoding: str = "utf-8",
    delimiters: Collection[str] = DELIMITERS,
    must_end_line: bool = True,
    may_lack: Collection[str] = (),
) -> TextTable:
    """Reads delimited text with a header row.

    Args:
        data: The file's path, or its bytes.
        file: The file's name, for messages.
        encoding: Encoding declared in sources.yml; a byte order mark is tolerated.
        delimiters: Delimiters allowed; among several the one that splits the header into most cells is taken.
        must_end_line: The writer ends every line, so that a last line without its end was cut off.
        may_lack: Header names whose cells the writer leaves out at a row's end; they become NULL.

    Raises:
        ExportFault: The file is cut off, wrongly encoded, binary, or its header cannot be used.
    """
    text = decode(data.read_bytes() if isinstance(data, Path) else data, file, encoding)
    ends_line = text.endswith(("\n", "\r"))
    header, delimiter = _header(text, file, delimiters)
    if not header:
        return TextTable(pl.LazyFrame(), (), pl.Series("line", [], dtype=pl.Int64), (), delimiter)
    if must_end_line and not ends_line:
        raise cut_off(file, "its last line has no end")
    cells, lines, ragged = _rows(text, file, delimiter, header, frozenset(may_lack))
    line_count = lines[-1] if lines else 0
    if ragged and not ends_line and ragged[-1].line > line_count and ragged[-1].cell_count < len(header):
        raise cut_off(file, f"its last row, on line {ragged[-1].line}, stops early")
    if ragged and not lines:
        raise ExportFault(
            file,
            f"no row has as many cells as the header, which has {len(header)}",
            f"check that the file is a table delimited by one of {_named(delimiters)}",
        )
    return TextTable(
        cells.lazy(),
        tuple(header),
        pl.Series("line", lines, dtype=pl.Int64),
        tuple(ragged),
        delimiter,
        ends_line,
    )


def _records(text: str, file: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The file's records with the line each begins on; blank lines are no records."""
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
        reason = (
            "a cell is longer than 16 MiB"
            if "larger than field limit" in str(error)
            else "its quotes do not pair"
        )
        raise ExportFault(
            file, f"the row that begins on line {line} cannot be read: {reason}", EXPORT_AGAIN
        ) from error


def _header(text: str, file: str, delimiters: Collection[str]) -> tuple[list[str], str]:
    """The header's names and the delimiter; unnamed columns are named by their position."""
    splits: dict[str, list[str]] = {}
    fault: ExportFault | None = None
    for delimiter in delimiters:
        try:
            splits[delimiter] = next((row for _, row in _records(text, file, delimiter)), [])
        except ExportFault as error:
            # Quotes do not pair under a delimiter that is not the file's.
            fault = error
    if fault and not any(splits.values()):
        raise fault
    widths = sorted((len(row) for row in splits.values()), reverse=True)
    if len(widths) > 1 and widths[0] == widths[1] > 1:
        raise ExportFault(
            file,
            f"its header is split equally well by two of {_named(delimiters)}",
            "export the file again with commas between the cells",
        )
    delimiter = max(splits, key=lambda sign: len(splits[sign]))
    header = [name or f"(column {place})" for place, name in enumerate(splits[delimiter], start=1)]
    if doubled := sorted(name for name, count in Counter(header).items() if count > 1):
        raise ExportFault(
            file,
            f"its header names {len(doubled)} columns twice: {', '.join(doubled[:5])}",
            "export the file again with variable names, not labels, as column names",
        )
    if reserved := sorted(name for name in header if name.startswith("_sw_")):
        raise ExportFault(
            file,
            f"its header uses the reserved prefix _sw_: {', '.join(reserved[:5])}",
            "rename these columns",
        )
    return (header if text.strip() else []), delimiter


def _rows(
    text: str, file: str, delimiter: str, header: list[str], may_lack: frozenset[str]
) -> tuple[pl.DataFrame, list[int], list[Ragged]]:
    """The rows that fit the header, the lines these begin on, and the other rows."""
    width = len(header)
    shortest = width
    while shortest > 1 and header[shortest - 1] in may_lack:
        shortest -= 1
    chunks = [_chunk(header, [])]
    rows: list[list[str]] = []
    lines: list[int] = []
    ragged: list[Ragged] = []
    records = _records(text, file, delimiter)
    next(records)
    for line, row in records:
        if shortest <= len(row) <= width:
            rows.append(row if len(row) == width else row + [""] * (width - len(row)))
            lines.append(line)
            if len(rows) == _CHUNK_ROWS:
                chunks.append(_chunk(header, rows))
                rows = []
        else:
            ragged.append(Ragged(line, len(row), width))
    chunks.append(_chunk(header, rows))
    return pl.concat(chunks), lines, ragged


def _chunk(header: list[str], rows: list[list[str]]) -> pl.DataFrame:
    """Rows as columns of text, blank cells NULL; a chunk at a time, since Python strings take much room."""
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    cells = [pl.Series(name, column, dtype=pl.String) for name, column in zip(header, columns, strict=True)]
    return pl.DataFrame(cells).select(pl.when(pl.all() != "").then(pl.all()))


def _named(delimiters: Collection[str]) -> str:
    return ", ".join({",": "comma", ";": "semicolon", "\t": "tab"}[delimiter] for delimiter in delimiters)
