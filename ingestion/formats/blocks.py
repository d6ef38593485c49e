"""One block of delimited text: where its records end, and whether it is regular, told from bits alone.

In: a span of UTF-8 text, its delimiter, and whether it begins within a quoted cell. Out: `Block`. How blocks
follow on one another is the matter of `layout`.
"""

import codecs
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.formats.bits import Places, Rank, count, odd_so_far, one_back, one_on, packed, places, within
from ingestion.formats.content import Content

MOST_FAULTS = 10_000
_LONGEST_CHARACTER = 4
_LF, _CR, _QUOTE = 10, 13, 34


@dataclass(frozen=True)
class Records:
    """What a regular block adds: record ends as places in the file, all else counted from its start.

    Attributes:
        ends: Places of the line feeds that end records.
        after_return: Which of these stand after a carriage return; None if none does.
        delimiters_before: Delimiters between cells before each end.
        lines_before: Line feeds before each end.
        delimiter_count: Delimiters between cells.
        line_count: Line feeds.
        bad_bytes: Where a sequence begins that is not UTF-8.
        has_empty_quotes: Whether a cell is written as two quotes.
    """

    ends: Places
    after_return: NDArray[np.bool_] | None
    delimiters_before: Places
    lines_before: Places
    delimiter_count: int
    line_count: int
    bad_bytes: Places
    has_empty_quotes: bool


@dataclass(frozen=True)
class Block:
    """A block as it is if it begins where it was said to.

    Attributes:
        records: What it adds, or None if it is not regular.
        is_odd: Whether its number of quotes is odd.
        has_nul: Whether it holds a NUL, which no text does.
    """

    records: Records | None
    is_odd: bool
    has_nul: bool


def read_block(content: Content, first: int, span: tuple[int, int], delimiter: int, is_quoted: bool) -> Block:
    """Counts a block.

    Args:
        content: The text, UTF-8.
        first: Where the text begins.
        span: Where the block begins and ends.
        delimiter: The delimiter, an ASCII character.
        is_quoted: Whether the block begins within a quoted cell.
    """
    start, end = span
    # A neighbour before, and enough behind to complete a character.
    head, tail = max(start - 1, first), min(end + _LONGEST_CHARACTER - 1, content.size)
    data = content.read(head, tail)
    # The text stands between line ends; one place before the block, two after it.
    around = np.frombuffer((b"" if head < start else b"\n") + data + b"\n\n", np.uint8)[: end - start + 3]
    feeds = packed(around == _LF)
    own = within(1, 1 + end - start, len(feeds))
    quotes = packed(around == _QUOTE) if b'"' in data else None
    is_odd = quotes is not None and count(quotes & own) % 2 == 1
    has_nul = b"\0" in data
    returns = packed(around == _CR) if b"\r" in data else None
    # What follows the last byte is no line feed, though one is put there.
    if returns is not None and (
        (returns & own & ~one_back(feeds)).any() or (end == content.size and data.endswith(b"\r"))
    ):
        return Block(None, is_odd, has_nul)
    delimiters = packed(around == delimiter)
    ends, has_empty = feeds & own, False
    if quotes is not None or is_quoted:
        quotes = np.zeros_like(feeds) if quotes is None else quotes
        inside = odd_so_far(quotes & own, is_quoted)
        opens = quotes & own & inside
        closes = quotes & own & ~inside
        edges = feeds | delimiters | quotes
        ends_cell = edges if returns is None else edges | returns
        if (opens & ~one_on(edges)).any() or (closes & ~one_back(ends_cell)).any():
            return Block(None, is_odd, has_nul)
        follows = one_back(quotes)
        has_empty = bool((opens & ~one_on(quotes) & follows & ~one_back(follows)).any())
        ends &= ~inside
        delimiters &= ~inside
    rank = Rank(delimiters & own)
    found = places(ends)
    line_count = count(feeds & own)
    lines = np.arange(len(found)) if line_count == len(found) else Rank(feeds & own).before(found)
    records = Records(
        found + (start - 1),
        None if returns is None else around[found - 1] == _CR,
        rank.before(found),
        lines,
        rank.total,
        line_count,
        np.empty(0, np.int64) if data.isascii() else _bad_bytes(data, head, first, span),
        has_empty,
    )
    return Block(records, is_odd, has_nul)


def _bad_bytes(data: bytes, head: int, first: int, span: tuple[int, int]) -> Places:
    """Where the block's bytes are not UTF-8. A character belongs to the block in which it begins."""
    start, end = (_past_continuation(data, place - head, place == first) for place in span)
    text = memoryview(data)[start:end]
    found: list[int] = []
    place = 0
    while len(found) < MOST_FAULTS:
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
