"""Where the records of delimited text lie: found by counting bytes, block by block, on all cores.

In: UTF-8 text in a file or in memory, and its delimiter. Out: `Layout`: start, end, line and width of every
record, and where the bytes are not UTF-8; or None where the text is not regular, so that only a reader that
goes from character to character can tell its records apart. Cells are not read here.

Regular means: a quoted cell opens right after a delimiter or a line's end and closes right before one, within
it quotes are doubled, no quote stands elsewhere, and a carriage return stands only before a line feed. Then
the parity of the quotes before a byte tells whether the byte is quoted, and counts tell everything else.
"""

import codecs
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

BLOCK_BYTES = 1 << 20
_LONGEST_CHARACTER = 4
_MOST_FAULTS = 10_000
_LF, _CR, _QUOTE = 10, 13, 34


@dataclass(frozen=True)
class Layout:
    """The records of a text in their order, blank ones and the header among them; one item per record.

    Attributes:
        starts: Byte at which it begins.
        ends: Byte after its last, without the line's end.
        lines: Line on which it begins, counted from 1.
        widths: Number of its cells.
        bad_bytes: Where a sequence begins that is not UTF-8, in ascending order.
        is_foreign: There are so many of these that the rest was not looked for.
        has_empty_quotes: Whether a cell is written as two quotes.
    """

    starts: Places
    ends: Places
    lines: Places
    widths: Places
    bad_bytes: Places
    is_foreign: bool
    has_empty_quotes: bool


@dataclass(frozen=True)
class Content:
    """Bytes to be read in parts, by several threads.

    Attributes:
        size: Their number.
        read: The bytes from one place up to another.
        origin: The file, or the bytes themselves.
    """

    size: int
    read: Callable[[int, int], bytes]
    origin: Path | bytes


def in_file(path: Path) -> Content:
    """The content of a file, opened anew for every part so that nothing has to be closed."""

    def read(start: int, end: int) -> bytes:
        with path.open("rb", buffering=0) as stream:
            return os.pread(stream.fileno(), end - start, start)

    return Content(path.stat().st_size, read, path)


def in_memory(data: bytes) -> Content:
    """Content that is already here."""
    return Content(len(data), lambda start, end: data[start:end], data)


@dataclass(frozen=True)
class Tally:
    """What has to be known of a text before its blocks can be laid out each for itself.

    Attributes:
        start: Where the text begins, after a byte order mark.
        spans: Its blocks.
        quotes: Quotes in each.
        has_nul: Whether it holds a NUL, which no text does.
    """

    start: int
    spans: list[tuple[int, int]]
    quotes: list[int]
    has_nul: bool


def tally(content: Content, start: int, block_bytes: int = BLOCK_BYTES) -> Tally:
    """Counts what decides how each block begins.

    Args:
        content: The text, UTF-8.
        start: Where it begins.
        block_bytes: Size of a block.
    """
    edges = [*range(start, content.size, block_bytes), content.size]
    spans = list(pairwise(edges))

    def count(span: tuple[int, int]) -> tuple[int, bool]:
        data = content.read(*span)
        quotes = np.count_nonzero(np.frombuffer(data, np.uint8) == _QUOTE) if b'"' in data else 0
        return int(quotes), b"\0" in data

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(count, spans))
    return Tally(start, spans, [quotes for quotes, _ in counts], any(has_nul for _, has_nul in counts))


def lay_out(content: Content, counted: Tally, delimiter: str) -> Layout | None:
    """Finds the records of a text.

    Args:
        content: The text, UTF-8.
        counted: Its tally.
        delimiter: One ASCII character.

    Returns:
        Its layout, or None if it is not regular.
    """
    if sum(counted.quotes) % 2:
        return None
    is_quoted = np.cumsum([0, *counted.quotes])[:-1] % 2 == 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(_block, content, counted.start, span, ord(delimiter), bool(begins_quoted))
            for span, begins_quoted in zip(counted.spans, is_quoted, strict=True)
        ]
        blocks = [job.result() for job in jobs]
    regular = [block for block in blocks if block is not None]
    return _joined(content, counted.start, regular) if len(regular) == len(blocks) else None


@dataclass(frozen=True)
class _Block:
    """What one block adds: record ends as places in the file, all else counted from the block's start."""

    line_ends: Places
    after_return: NDArray[np.bool_]
    delimiters_before: Places
    lines_before: Places
    delimiter_count: int
    line_count: int
    bad_bytes: Places
    has_empty_quotes: bool


def _block(
    content: Content, first: int, span: tuple[int, int], delimiter: int, is_quoted: bool
) -> _Block | None:
    start, end = span
    # A neighbour before, and enough behind to complete a character.
    head, tail = max(start - 1, first), min(end + _LONGEST_CHARACTER - 1, content.size)
    data = content.read(head, tail)
    around = np.frombuffer((b"" if head < start else b"\n") + data + b"\n", np.uint8)
    own = around[1 : 1 + end - start]
    if b"\r" in data and not _returns_end_lines(around, len(own)):
        return None
    feeds = np.flatnonzero(own == _LF)
    rank = _Rank(own == delimiter)
    quotes = np.flatnonzero(own == _QUOTE)
    has_empty = False
    line_ends, delimiters, lines = feeds, rank.before(feeds), np.arange(len(feeds))
    quoted_delimiters = 0
    if len(quotes) or is_quoted:
        opens, closes = quotes[int(is_quoted) :: 2], quotes[1 - int(is_quoted) :: 2]
        ends_cell = np.zeros(256, np.bool_)
        ends_cell[[_LF, _QUOTE, delimiter]] = True
        if not ends_cell[around[opens]].all():
            return None
        ends_cell[_CR] = True
        if not ends_cell[around[closes + 2]].all():
            return None
        empty = opens[(around[opens + 2] == _QUOTE) & (around[opens] != _QUOTE)]
        has_empty = bool((around[np.minimum(empty + 3, len(around) - 1)] != _QUOTE).any())
        froms = np.concatenate([[0], opens]) if is_quoted else opens
        untils = np.concatenate([closes, [len(own)]]) if len(froms) > len(closes) else closes
        inside = np.concatenate([[0], np.cumsum(rank.before(untils) - rank.before(froms))])
        passed = np.searchsorted(quotes, feeds) + int(is_quoted)
        lines = np.flatnonzero(passed % 2 == 0)
        line_ends = feeds[lines]
        delimiters = delimiters[lines] - inside[passed[lines] // 2]
        quoted_delimiters = int(inside[-1])
    return _Block(
        line_ends + start,
        around[line_ends] == _CR,
        delimiters,
        lines,
        rank.total - quoted_delimiters,
        len(feeds),
        _bad_bytes(data, head, first, span) if not data.isascii() else np.empty(0, np.int64),
        has_empty,
    )


def _returns_end_lines(around: Bytes, length: int) -> bool:
    """Whether every carriage return of the block stands before a line feed; the last byte is no neighbour."""
    returns = np.flatnonzero(around[1 : 1 + length] == _CR)
    return bool((around[returns + 2] == _LF).all()) and (
        not len(returns) or returns[-1] + 2 < len(around) - 1
    )


class _Rank:
    """How many bytes of a kind stand before a place, from counts per 64 bytes."""

    def __init__(self, is_kind: NDArray[np.bool_]) -> None:
        packed = np.packbits(is_kind, bitorder="little")
        self._words = np.zeros(len(is_kind) // 64 + 1, np.uint64)
        self._words.view(np.uint8)[: len(packed)] = packed
        counts = np.bitwise_count(self._words)
        self._counts: Places = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self.total = int(self._counts[-1])

    def before(self, places: Places) -> Places:
        word, bit = places >> 6, (places & 63).astype(np.uint64)
        mask = (np.uint64(1) << bit) - np.uint64(1)
        within = np.bitwise_count(self._words[word] & mask)
        places_before: Places = self._counts[word] + within
        return places_before


def _bad_bytes(data: bytes, head: int, first: int, span: tuple[int, int]) -> Places:
    """Where the block's bytes are not UTF-8. A character belongs to the block in which it begins."""
    start, end = (_past_continuation(data, place - head, place == first) for place in span)
    text = memoryview(data)[start:end]
    found: list[int] = []
    place = 0
    while len(found) < _MOST_FAULTS:
        try:
            codecs.utf_8_decode(text[place:], "strict", True)
            break
        except UnicodeDecodeError as fault:
            found.append(head + start + place + fault.start)
            place += fault.end
    return np.array(found, np.int64)


def _past_continuation(data: bytes, place: int, is_first: bool) -> int:
    """The place after the bytes that continue the character of the block before: three at most."""
    end = place if is_first else min(place + _LONGEST_CHARACTER - 1, len(data))
    while place < end and data[place] & 0xC0 == 0x80:
        place += 1
    return place


def _joined(content: Content, start: int, blocks: list[_Block]) -> Layout:
    def offsets(counts: list[int]) -> list[int]:
        return [0, *np.cumsum(counts).tolist()]

    records = offsets([len(block.line_ends) for block in blocks])
    delimiters = offsets([block.delimiter_count for block in blocks])
    lines = offsets([block.line_count for block in blocks])
    # Written in place, since every array over all records takes as long to come by as to fill.
    count = records[-1]
    starts, ends, begun, cells = (np.empty(count + 2, np.int64) for _ in range(4))
    starts[0], begun[0], cells[0] = start, 1, 0
    for block, first, line, cell in zip(blocks, records, lines, delimiters, strict=False):
        own = slice(first, first + len(block.line_ends))
        after = slice(own.start + 1, own.stop + 1)
        ends[own] = block.line_ends
        ends[own] -= block.after_return
        np.add(block.line_ends, 1, out=starts[after])
        np.add(block.lines_before, line + 2, out=begun[after])
        np.add(block.delimiters_before, cell, out=cells[after])
    if content.size > starts[count]:
        ends[count], cells[count + 1] = content.size, delimiters[-1]
        count += 1
    widths = np.diff(cells[: count + 1])
    widths += 1
    return Layout(
        starts[:count],
        ends[:count],
        begun[:count],
        widths,
        np.concatenate([np.empty(0, np.int64), *(block.bad_bytes for block in blocks)]),
        any(len(block.bad_bytes) >= _MOST_FAULTS for block in blocks),
        any(block.has_empty_quotes for block in blocks),
    )
