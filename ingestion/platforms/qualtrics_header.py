"""The header of a Qualtrics CSV: two or three rows that together name every column once.

In: a file's bytes. Out: `Header`: one name per column, which column plays which part, and the same bytes with
a single header row. The cells below are not looked at.

Facts it rests on: the first row names columns, and names repeat when two questions bear the same tag; the
second holds the questions' texts in the language of whoever exported; the third holds `{"ImportId":"QID1"}`,
in 2016 with single quotes. Exports of the platform's old format have no third row, call the respondent's
columns `V1` to `V10` with their meaning in the second row, and end every row in a comma, which makes a last
column without a name.

How a column gets its name:
- its own, if no other column of the file bears it;
- a repeated one with its import id, `reads (QID4-1)`, all of them alike, so that no name wanders from one
  question to another when questions move; without import ids with its number among its namesakes, `reads
  (2)`;
- `V1` ... by the meaning the second row gives: `ResponseID`, `IPAddress`;
- none: `(column 12)`.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from ingestion.export_fault import ExportFault
from ingestion.formats.text import EXPORT_AGAIN, cut_off, decode

_IMPORT_ID = re.compile(r"""^\{\s*["']ImportId["']\s*:\s*["']([^"']+)["']""")
_OLD_NAME = re.compile(r"^V\d+$")
_RESPONSE = re.compile(r"^(R|FS)_\w+$")
# What a part is called by import ids and, in files without them, by names: the newest first.
_PARTS = {
    "record": ("_recordId", "responseId", "ResponseId", "ResponseID", "Response ID"),
    "recorded": ("recordedDate", "RecordedDate", "Recorded Date"),
    "ended": ("endDate", "EndDate", "End Date"),
    "finished": ("finished", "Finished"),
    "status": ("status", "Status", "Response Type"),
}


@dataclass(frozen=True)
class Header:
    """The header of one file.

    Attributes:
        names: Name of every column, each once; none if the file is blank.
        parts: Part -> its column: `record`, `recorded`, `ended`, `finished`, `status`.
        data: The file in UTF-8 with these names as its only header row, its rows on the lines they stood on.
    """

    names: tuple[str, ...]
    parts: Mapping[str, str]
    data: bytes
    delimiter: str = ","


def read_header(data: bytes, file: str, encoding: str) -> Header:
    """Reads the header rows of a CSV, comma or tab between its cells.

    Args:
        data: The file's bytes.
        file: Its name, for messages.
        encoding: Encoding declared in sources.yml.

    Raises:
        ExportFault: The header is cut off, its rows differ in length, or no column holds the response's id.
    """
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig"):
        data = decode(data, file, encoding).encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    delimiter = "\t" if b"\t" in data.split(b"\n", 1)[0] else ","
    rows = list(islice(_rows(data, file, delimiter), 3))
    if not rows:
        return Header((), {}, b"")
    names, ids, count = _named(rows, file)
    last = rows[count - 1]
    decode(data[: last.end], file, "utf-8")
    body = data[last.end :]
    if not body and not data.endswith((b"\n", b"\r")):
        raise cut_off(file, "its last line has no end")
    columns = _distinct(names, ids)
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(columns)
    of = dict(zip(ids or names, columns, strict=True))
    parts = {
        part: next(of[name] for name in called if name in of)
        for part, called in _PARTS.items()
        if any(name in of for name in called)
    }
    return Header(columns, parts, line.getvalue().encode() + b"\n" * (last.next_line - 2) + body, delimiter)


@dataclass(frozen=True)
class _Row:
    """A record, where its bytes end, and the line after it."""

    cells: list[str]
    end: int
    next_line: int


def _rows(data: bytes, file: str, delimiter: str) -> Iterator[_Row]:
    """The records from the file's start; bytes that are no text pass, since they may stand further below."""
    end, line = 0, 1

    def lines() -> Iterator[str]:
        nonlocal end
        with io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="surrogateescape", newline="") as text:
            for each in text:
                end += len(each.encode("utf-8", "surrogateescape"))
                yield each

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            line = reader.line_num + 1
            if cells:
                yield _Row(cells, end, line)
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise cut_off(file, "a quoted cell of its header is never closed") from error
        raise ExportFault(file, f"its header, line {line}, cannot be read as CSV", EXPORT_AGAIN) from error


def _named(rows: list[_Row], file: str) -> tuple[list[str], list[str], int]:
    """Names, import ids if there are any, and how many of the rows are the header's."""
    names = rows[0].cells
    texts = rows[1].cells if len(rows) > 1 else []
    found = [_IMPORT_ID.match(cell) for cell in rows[2].cells] if len(rows) > 2 else []
    count = 3 if any(found) else 2 if set(texts) & set(_PARTS["record"]) else 1
    if any(len(row.cells) != len(names) for row in rows[:count]):
        raise ExportFault(
            file,
            f"its {count} header rows differ in their number of cells",
            "export the responses again as CSV",
        )
    if count == 2:
        pairs = zip(names, texts, strict=True)
        names = [text if _OLD_NAME.match(name) and text else name for name, text in pairs]
    places = [place for place, name in enumerate(names) if name in _PARTS["record"]]
    ids = [match[1] if match else "" for match in found] if count == 3 else []
    if not places and not set(ids) & set(_PARTS["record"]):
        raise ExportFault(
            file,
            "no column holds the response's id",
            "export the responses again as CSV with all fields and all header rows; "
            "a file that was worked on since is read by platform: csv",
        )
    if count == 1 and texts and not _RESPONSE.match(texts[places[0]] if places[0] < len(texts) else ""):
        raise ExportFault(
            file,
            "its second row is neither question texts beside import ids nor a response",
            "export the responses again as CSV and keep its header rows; "
            "a file that was worked on since is read by platform: csv",
        )
    return names, ids, count


def _distinct(names: list[str], ids: list[str]) -> tuple[str, ...]:
    """Every column's name, as the module's rule says."""
    named = [name or f"(column {place})" for place, name in enumerate(names, start=1)]
    often = Counter(named)
    seen: defaultdict[str, int] = defaultdict(int)
    columns: list[str] = []
    for place, name in enumerate(named):
        seen[name] += 1
        mark = ids[place] if ids and ids[place] else str(seen[name])
        columns.append(f"{name} ({mark})" if often[name] > 1 else name)
    # An import id can repeat too, and a name can look like one that was made here.
    taken = Counter(columns)
    return tuple(
        f"{name} (column {place})" if taken[name] > 1 else name for place, name in enumerate(columns, start=1)
    )
