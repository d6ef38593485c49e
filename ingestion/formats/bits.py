"""Where bytes of a kind stand, as bits: 64 places are asked at once, whatever is asked of them.

In: which of a run of bytes are of a kind. Out: words of 64 bits, the first place lowest, and what can be told
from them by counting. What the bytes mean is not known here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Places = NDArray[np.int64]

_ONE = np.uint64(1)
_TOP = np.uint64(63)
_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


def packed(is_kind: NDArray[np.bool_]) -> Words:
    """The bits of a run of places."""
    words = np.zeros(len(is_kind) // 64 + 1, np.uint64)
    bits = np.packbits(is_kind, bitorder="little")
    words.view(np.uint8)[: len(bits)] = bits
    return words


def within(start: int, end: int, word_count: int) -> Words:
    """The bits from one place up to another."""
    words = np.full(word_count, _ALL)
    words[: start >> 6] = 0
    words[start >> 6] &= _ALL << np.uint64(start & 63)
    words[(end >> 6) + 1 :] = 0
    words[end >> 6] &= (_ONE << np.uint64(end & 63)) - _ONE
    return words


def one_on(words: Words) -> Words:
    """Each place tells of the one before it."""
    moved = words << _ONE
    moved[1:] |= words[:-1] >> _TOP
    return moved


def one_back(words: Words) -> Words:
    """Each place tells of the one after it."""
    moved = words >> _ONE
    moved[:-1] |= words[1:] << _TOP
    return moved


def odd_so_far(words: Words, is_odd: bool) -> Words:
    """Whether the number of bits up to each place, that one included, is odd.

    Args:
        words: The bits.
        is_odd: Whether it is before the first.
    """
    odd = words.copy()
    for step in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(step)
    ends_odd = odd >> _TOP
    ends_odd[0] ^= np.uint64(is_odd)
    before = np.bitwise_xor.accumulate(ends_odd)
    # Nought less one is all bits.
    odd[1:] ^= np.uint64(0) - before[:-1]
    if is_odd:
        odd[0] ^= _ALL
    return odd


def count(words: Words) -> int:
    """How many bits there are."""
    return int(np.bitwise_count(words).sum(dtype=np.int64))


def places(words: Words) -> Places:
    """Where they stand."""
    filled = np.flatnonzero(words)
    bits = words[filled]
    if not (bits & (bits - _ONE)).any():
        only: Places = (filled << 6) + np.bitwise_count(bits - _ONE)
        return only
    return np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little"))


class Rank:
    """How many bits stand before a place."""

    def __init__(self, words: Words) -> None:
        self._words = words
        counts: NDArray[Any] = np.bitwise_count(words)
        self._counts: Places = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self.total = int(self._counts[-1])

    def before(self, places: Places) -> Places:
        """The number of bits before each of some places."""
        word = places >> 6
        mask = (_ONE << (places & 63).astype(np.uint64)) - _ONE
        before: Places = self._counts[word] + np.bitwise_count(self._words[word] & mask)
        return before
