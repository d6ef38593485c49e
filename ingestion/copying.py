"""Copies a file, and tells the hash of what was copied: the same bytes are written and hashed, side by side.

In: two paths. Out: a copy on its way to the disk, and its SHA-256. Whether the file changed meanwhile, and
that the copy is on the disk for good, is the caller's matter.
"""

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_CHUNKS = 4
_FLUSH_BYTES = 1 << 26


def copied(origin: Path, target: Path) -> str:
    """Copies a file and returns the SHA-256 of the copy, hexadecimal.

    Args:
        origin: The file.
        target: Where the copy is written; what is there is replaced.
    """
    digest = hashlib.sha256()
    # One chunk is read while those before it are hashed; few, so that they stay in the processor's cache.
    chunks = [memoryview(bytearray(_CHUNK_BYTES)) for _ in range(_CHUNKS)]
    hashed: list[Future[None] | None] = [None] * _CHUNKS
    flushed: Future[None] | None = None
    turn = written = 0
    with (
        origin.open("rb", buffering=0) as source,
        target.open("wb") as out,
        ThreadPoolExecutor(1) as hashing,
        ThreadPoolExecutor(1) as flushing,
    ):
        while True:
            place = turn % _CHUNKS
            if (before := hashed[place]) is not None:
                before.result()
            if not (size := source.readinto(chunks[place])):
                break
            chunk = chunks[place][:size]
            hashed[place] = hashing.submit(digest.update, chunk)
            out.write(chunk)
            turn, written = turn + 1, written + size
            # Begun early, since the disk is the slowest of all; whatever is not down then, is later.
            if written >= _FLUSH_BYTES and (flushed is None or flushed.done()):
                flushed, written = flushing.submit(os.fdatasync, out.fileno()), 0
        for job in (*hashed, flushed):
            if job is not None:
                job.result()
    return digest.hexdigest()
