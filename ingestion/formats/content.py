"""Bytes to be read in parts, by several threads: those of a file, or some already in memory.

In: a path or bytes. Out: `Content`. What the bytes mean is not known here.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


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
