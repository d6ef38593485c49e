"""The hash of a file that is still being written, ready almost as soon as the file is.

In: a path to which a writer adds at the end, as those of Parquet do. Out: its SHA-256. Of a writer that came
back to what it had written the hash would be another than the file's: whoever compares the two then takes a
whole file for damaged, and never the other way round.
"""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_LOOK_SECONDS = 0.02


@contextmanager
def hashing_behind(file: Path) -> Iterator[Future[str]]:
    """Hashes a file while it is written within the context; the hash is there after it.

    Args:
        file: Where the file will be; whatever is there is emptied.
    """
    file.write_bytes(b"")
    is_written = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        hashed = beside.submit(_followed, file, is_written)
        try:
            yield hashed
        finally:
            is_written.set()


def _followed(file: Path, is_written: threading.Event) -> str:
    digest = hashlib.sha256()
    chunk = memoryview(bytearray(_CHUNK_BYTES))
    with file.open("rb", buffering=0) as stream:
        is_last = False
        while not is_last:
            # Asked before the file is read to its end, so that nothing can come after the last look.
            is_last = is_written.wait(_LOOK_SECONDS)
            while size := stream.readinto(chunk):
                digest.update(chunk[:size])
    return digest.hexdigest()
