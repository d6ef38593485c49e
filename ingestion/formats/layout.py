"""Where the records of delimited text lie: found by counting bytes, block by block, on all cores.

In: UTF-8 text in a file or in memory, and its delimiter. Out: that all records lie as they should (`Even`),
or where each lies (`Layout`), or None where the text is not regular, so that only a reader that goes from
character to character can tell its records apart. Cells are not read here.

Regular means: a quoted cell opens right after a delimiter or a line's end and closes right before one, within
it quotes are doubled, no quote stands elsewhere, and a carriage return stands only before a line feed. Then
the parity of the quotes before a byte tells whether the byte is quoted, and counts tell everything else.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import xor

import numpy as np

from ingestion.formats.bits import Places
from ingestion.formats.blocks import MOST_FAULTS, Block, Records, read_block
from ingestion.formats.content import Content

BLOCK_BYTES = 1 << 21
# How far on a line's end is looked for, at which a block had better end: that part of a block.
_LOOK_ON = 256


class NulFound(Exception):
    """The bytes hold a NUL, so they are no text."""


@dataclass(frozen=True)
class Even:
    """All records have the same number of cells, none is blank or longer than a cell may be, all is UTF-8.

    Attributes:
        lines: Line on which each begins, counted from 1; the header among them, which is one line.
        has_empty_quotes: Whether a cell is written as two quotes.
    """

    lines: Places
    has_empty_quotes: bool


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


def lay_out(
    content: Content, start: int, delimiter: str, width: int, block_bytes: int = BLOCK_BYTES
) -> Even | Layout | None:
    """Finds the records of a text.

    Args:
        content: The text, UTF-8.
        start: Where it begins, after a byte order mark.
        delimiter: One ASCII character.
        width: Number of cells that a record should have.
        block_bytes: About the size of a block.

    Returns:
        `Even` where all records are as they should be, else their layout; None if the text is not regular.

    Raises:
        NulFound: It is no text.
    """
    spans = _spans(content, start, block_bytes)

    def read(span: tuple[int, int], is_quoted: bool = False) -> Block:
        return read_block(content, start, span, ord(delimiter), is_quoted)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        blocks = list(pool.map(read, spans))
        if any(block.has_nul for block in blocks):
            raise NulFound
        *begins_quoted, ends_quoted = accumulate((block.is_odd for block in blocks), xor, initial=False)
        # Few line ends are quoted, so that few blocks begin otherwise than was taken for granted.
        again = [place for place, is_quoted in enumerate(begins_quoted) if is_quoted]
        for place, block in zip(again, pool.map(lambda place: read(spans[place], True), again), strict=True):
            blocks[place] = block
    regular = [block.records for block in blocks if block.records]
    if ends_quoted or len(regular) < len(blocks):
        return None
    return _even(content, start, regular, width) or _joined(content, start, regular)


def _spans(content: Content, start: int, block_bytes: int) -> list[tuple[int, int]]:
    """The blocks of a text, each up to the end of a line where one is near."""
    edges = [start]
    for edge in range(start + block_bytes, content.size, block_bytes):
        ahead = content.read(edge, min(edge + block_bytes // _LOOK_ON, content.size))
        edges.append(edge + ahead.find(b"\n") + 1)
    return [(first, last) for first, last in pairwise([*edges, content.size]) if first < last]


def _even(content: Content, start: int, blocks: list[Records], width: int) -> Even | None:
    """The lines of the records, if nothing else has to be said of them."""
    # A blank record has one cell too; and where every block ends one, none is longer than two blocks.
    if width == 1 or not all(len(block.ends) and not len(block.bad_bytes) for block in blocks):
        return None
    lines = np.empty(sum(len(block.ends) for block in blocks) + 1, np.int64)
    lines[0] = 1
    count = line = cells = 0
    for block in blocks:
        after = np.arange(count + 1, count + 1 + len(block.ends))
        if not np.array_equal(block.delimiters_before + cells, after * (width - 1)):
            return None
        np.add(block.lines_before, line + 2, out=lines[after[0] : after[-1] + 1])
        count, line, cells = count + len(after), line + block.line_count, cells + block.delimiter_count
    has_last = content.size > (blocks[-1].ends[-1] + 1 if blocks else start)
    if cells != (count + has_last) * (width - 1) or (len(lines) > 1 and lines[1] != 2):
        return None
    return Even(lines[: count + has_last], any(block.has_empty_quotes for block in blocks)) if count else None


def _joined(content: Content, start: int, blocks: list[Records]) -> Layout:
    def offsets(counts: list[int]) -> list[int]:
        return [0, *np.cumsum(counts).tolist()]

    records = offsets([len(block.ends) for block in blocks])
    delimiters = offsets([block.delimiter_count for block in blocks])
    lines = offsets([block.line_count for block in blocks])
    # Written in place, since every array over all records takes as long to come by as to fill.
    count = records[-1]
    starts, ends, begun, cells = (np.empty(count + 2, np.int64) for _ in range(4))
    starts[0], begun[0], cells[0] = start, 1, 0
    for block, first, line, cell in zip(blocks, records, lines, delimiters, strict=False):
        own = slice(first, first + len(block.ends))
        after = slice(own.start + 1, own.stop + 1)
        ends[own] = block.ends
        if block.after_return is not None:
            ends[own] -= block.after_return
        np.add(block.ends, 1, out=starts[after])
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
        any(len(block.bad_bytes) >= MOST_FAULTS for block in blocks),
        any(block.has_empty_quotes for block in blocks),
    )
