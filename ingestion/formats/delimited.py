"""Delimited text, read strictly: every cell a string, every row as wide as the header, no guessing of types.

In: one file with its encoding and delimiter. Out: `TextTable`: cells (blank = NULL), the line of every row,
and the rows that do not fit the header. What the columns mean is the platforms' business.

A regular file is laid out by counting and scanned by Polars when its cells are needed; what does not fit is
cut out first, so that Polars only ever sees rows as wide as the header. Any other file is read from character
to character at once. Both ways give the same.

A file that was cut off is refused as a whole, since the loss of its last rows cannot be told from their
absence; so is one of which more than one row in a hundred, and more than one row, is no text in its encoding.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ingestion.export_fault import ExportFault
from ingestion.formats.bits import Places
from ingestion.formats.exact import LONGEST_CELL, Row, has_longer_cell, records
from ingestion.formats.header import checked_header
from ingestion.formats.layout import Even, Layout, NulFound, lay_out
from ingestion.formats.text import NO_TEXT, Utf8, as_text, as_utf8, cut_off, holds_nul, not_text

DELIMITERS = (",", ";", "\t")
_HEADER_BYTES = 1 << 20
_CHUNK_ROWS = 20_000
_MOST_BAD = 0.01


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
    utf8 = as_utf8(data, file, encoding)
    content = utf8.content
    try:
        header, delimiter = _told_header(utf8, file, encoding, delimiters)
        layout = lay_out(content, utf8.start, delimiter, len(header))
    except ExportFault:
        # Where there is a NUL, that is what is wrong with the header too.
        if b"\0" in content.read(utf8.start, content.size):
            raise _nul(utf8, file, encoding) from None
        raise
    except NulFound:
        raise _nul(utf8, file, encoding) from None
    if not header:
        return TextTable(pl.LazyFrame(), (), pl.Series("line", [], dtype=pl.Int64), (), delimiter)
    ends_line = content.read(content.size - 1, content.size) in (b"\n", b"\r")
    if must_end_line and not ends_line:
        raise cut_off(file, "its last line has no end")
    shortest = len(header)
    while shortest > 1 and header[shortest - 1] in may_lack:
        shortest -= 1
    form = _Form(file, encoding, delimiter, tuple(header), shortest)
    rows = (_scanned(utf8, layout, form) if layout else None) or _exact(utf8, form)
    last = rows.ragged[-1] if rows.ragged else None
    line_count = rows.lines[-1] if len(rows.lines) else 0
    if last and not ends_line and last.line > line_count and last.cell_count < len(header):
        raise cut_off(file, f"its last row, on line {last.line}, stops early")
    if last and not len(rows.lines):
        raise ExportFault(
            file,
            f"no row has as many cells as the header, which has {len(header)}",
            f"check that the file is a table delimited by one of {_named(delimiters)}",
        )
    return TextTable(rows.cells, form.header, rows.lines, tuple(rows.ragged), delimiter, ends_line)


@dataclass(frozen=True)
class _Form:
    """What is known of a file from its header: `shortest` is the least number of cells of a row."""

    file: str
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    shortest: int


@dataclass(frozen=True)
class _Rows:
    cells: pl.LazyFrame
    lines: pl.Series
    ragged: list[Ragged]


def _told_header(utf8: Utf8, file: str, encoding: str, delimiters: Collection[str]) -> tuple[list[str], str]:
    """The header, from the head of the file where that holds all of it."""
    content, end = utf8.content, utf8.start + _HEADER_BYTES
    head = content.read(utf8.start, end).decode("utf-8", "sitewise-no-text")
    is_part = content.size > end
    if is_part:
        head = head[: head.rfind("\n") + 1]
    try:
        header, delimiter = _header(head, file, delimiters)
    except ExportFault:
        if not is_part:
            raise
        header = []
    if is_part and not header:
        header, delimiter = _header(as_text(utf8), file, delimiters)
    if any(NO_TEXT in name for name in header):
        raise _no_text(utf8, file, encoding)
    return header, delimiter


def _nul(utf8: Utf8, file: str, encoding: str) -> ExportFault:
    """The fault of a file with a NUL, or with what is no text before it."""
    before = utf8.content.read(utf8.start, utf8.content.size).partition(b"\0")[0]
    if utf8.first_fault or NO_TEXT in before.decode("utf-8", "sitewise-no-text"):
        return _no_text(utf8, file, encoding)
    return holds_nul(file, before.count(b"\n") + 1, encoding)


def _no_text(utf8: Utf8, file: str, encoding: str) -> ExportFault:
    """The fault of a file of another encoding, which names the first byte that is no text."""
    if utf8.first_fault:
        return not_text(file, *utf8.first_fault, encoding)
    data = utf8.content.read(0, utf8.content.size)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return not_text(file, error.start, data.count(b"\n", 0, error.start) + 1, encoding)
    raise AssertionError("every byte is text")


def _header(text: str, file: str, delimiters: Collection[str]) -> tuple[list[str], str]:
    """The header's names and the delimiter; unnamed columns are named by their position."""
    splits: dict[str, list[str]] = {}
    fault: ExportFault | None = None
    for delimiter in delimiters:
        try:
            splits[delimiter] = next((row for _, row in records(text, file, delimiter)), [])
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
    header = checked_header(splits[delimiter], file)
    return (header if text.strip() else []), delimiter


def _scanned(utf8: Utf8, layout: Even | Layout, form: _Form) -> _Rows | None:
    """The rows of a regular file, not yet read; None if its layout has another header."""
    if isinstance(layout, Even):
        lines = pl.Series("line", layout.lines[1:], dtype=pl.Int64)
        return _Rows(_cells(utf8.content.origin, 1, layout.has_empty_quotes, form), lines, [])
    content, width = utf8.content, len(form.header)
    lengths = layout.ends - layout.starts
    filled = np.flatnonzero(lengths)
    head, rows = filled[0], filled[1:]
    if layout.widths[head] != width:
        return None
    widths = layout.widths[rows]
    no_text = np.zeros(len(lengths), np.bool_)
    no_text[np.searchsorted(layout.starts, layout.bad_bytes, "right") - 1] = True
    if layout.is_foreign or _is_foreign(int(no_text[rows].sum()), len(rows)):
        raise _no_text(utf8, form.file, form.encoding)
    too_long = np.zeros(len(lengths), np.bool_)
    for row in rows[lengths[rows] > LONGEST_CELL]:
        text = content.read(layout.starts[row], layout.ends[row]).decode("utf-8", "sitewise-no-text")
        too_long[row] = has_longer_cell(text, form.delimiter)
    fits = (widths >= form.shortest) & (widths <= width) & ~no_text[rows] & ~too_long[rows]
    ragged = [
        Ragged(
            int(layout.lines[row]),
            int(layout.widths[row]),
            width,
            _why(bool(no_text[row]), bool(too_long[row]), form),
        )
        for row in rows[~fits]
    ]
    taken = rows[fits]
    is_short = layout.widths[taken] < width
    is_whole = (
        len(taken) == len(lengths) - 1 and not is_short.any() and (len(taken) == 0 or layout.lines[1] == 2)
    )
    lines = pl.Series("line", layout.lines[taken], dtype=pl.Int64)
    if not len(taken):
        return _Rows(pl.LazyFrame(schema=_schema(form)), lines, ragged)
    mended = None if is_whole else _mended(utf8, layout, taken, form)
    origin, header_lines = (utf8.content.origin, 1) if mended is None else (mended, 0)
    return _Rows(_cells(origin, header_lines, layout.has_empty_quotes, form), lines, ragged)


def _cells(origin: Path | bytes, header_lines: int, has_empty_quotes: bool, form: _Form) -> pl.LazyFrame:
    """The cells of text in which every row is as wide as the header."""
    return pl.scan_csv(
        origin,
        has_header=False,
        skip_lines=header_lines,
        schema=_schema(form),
        separator=form.delimiter,
        null_values="" if has_empty_quotes else None,
        glob=False,
    )


def _mended(utf8: Utf8, layout: Layout, taken: Places, form: _Form) -> bytes:
    """The text of the rows taken alone, each with all its cells; neighbours are copied together."""
    data = memoryview(utf8.content.read(0, utf8.content.size))
    missing = len(form.header) - layout.widths[taken]
    breaks = np.flatnonzero((np.diff(taken) != 1) | (missing[:-1] > 0) | (missing[1:] > 0)) + 1
    text = bytearray()
    for first, last in zip([0, *breaks], [*breaks - 1, len(taken) - 1], strict=True):
        text += data[layout.starts[taken[first]] : layout.ends[taken[last]]]
        text += form.delimiter.encode() * int(missing[first]) + b"\n"
    return bytes(text)


def _exact(utf8: Utf8, form: _Form) -> _Rows:
    """The rows of any file, read at once."""
    width = len(form.header)
    text = as_text(utf8)
    may_be_bad = NO_TEXT in text
    chunks = [_chunk(form.header, [])]
    rows: list[Row] = []
    lines: list[int] = []
    ragged: list[Ragged] = []
    bad_count = 0
    found = records(text, form.file, form.delimiter)
    next(found)
    for line, row in found:
        is_bad = may_be_bad and any(NO_TEXT in cell for cell in row)
        if is_bad or not form.shortest <= len(row) <= width:
            ragged.append(Ragged(line, len(row), width, _why(is_bad, False, form)))
            bad_count += is_bad
            continue
        rows.append(row if len(row) == width else row + [""] * (width - len(row)))
        lines.append(line)
        if len(rows) == _CHUNK_ROWS:
            chunks.append(_chunk(form.header, rows))
            rows = []
    chunks.append(_chunk(form.header, rows))
    if _is_foreign(bad_count, len(lines) + len(ragged)):
        raise _no_text(utf8, form.file, form.encoding)
    return _Rows(pl.concat(chunks).lazy(), pl.Series("line", lines, dtype=pl.Int64), ragged)


def _is_foreign(bad_count: int, row_count: int) -> bool:
    """Whether so many rows are no text that the encoding must be another."""
    return bad_count == row_count > 0 or bad_count > max(1, _MOST_BAD * row_count)


def _why(is_bad: bool, is_too_long: bool, form: _Form) -> str:
    if is_bad:
        return f"the row is not {form.encoding} text"
    return "a cell is longer than 16 MiB" if is_too_long else ""


def _schema(form: _Form) -> dict[str, pl.DataType]:
    return dict.fromkeys(form.header, pl.String())


def _chunk(header: Sequence[str], rows: list[list[str]]) -> pl.DataFrame:
    """Rows as columns of text, blank cells NULL; a chunk at a time, since Python strings take much room."""
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    cells = [pl.Series(name, column, dtype=pl.String) for name, column in zip(header, columns, strict=True)]
    return pl.DataFrame(cells).select(pl.when(pl.all() != "").then(pl.all()))


def _named(delimiters: Collection[str]) -> str:
    return ", ".join({",": "comma", ";": "semicolon", "\t": "tab"}[delimiter] for delimiter in delimiters)
