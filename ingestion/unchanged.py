"""What has not changed since it was last looked at, told without reading it: a night without news is cheap.

In: paths, and what was learnt of each when its content was read. Out: the same again, for as long as the
file's size, times and inode are the ones it had then. It is a memory, not a record: without it everything is
read again. A change that leaves all of these as they were is not seen; the time of the inode's change cannot
be set by copying tools, so that takes a deliberate hand or a file system that keeps no such time.

A file that had changed within two seconds before it was looked at is not trusted, since clocks of file
systems are coarse and a second change could bear the same time.
"""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from ingestion.landing import owner_only

_SETTLED_NS = 2_000_000_000


class Seen:
    """What is known of some files of a source. Call `save` when all of them were asked for or noted."""

    def __init__(self, home: Path, source: str, of: str) -> None:
        """Loads what was known.

        Args:
            home: SITEWISE_HOME.
            source: The source's id.
            of: Which of its files: each kind has a memory of its own.
        """
        self._file = home / "lake" / ".seen" / f"{source}-{of}.json"
        try:
            self._before: dict[str, Any] = json.loads(self._file.read_bytes())
        except (FileNotFoundError, ValueError):
            self._before = {}
        self._now: dict[str, Any] = {}

    def told(self, path: Path) -> Any:
        """What was noted of a file that is still the same, or None."""
        known = self._before.get(_name(path))
        if known is None or known["is"] != _marks(path):
            return None
        self._now[_name(path)] = known
        return known["told"]

    def marks(self, path: Path) -> list[int]:
        """What a file is told by; to be asked for before it is read, and given to `note` afterwards."""
        return _marks(path)

    def note(self, path: Path, marks: list[int], told: Any) -> None:
        """Notes what was learnt of a file, if that was settled and did not change while it was read."""
        if _marks(path) == marks and time.time_ns() - max(marks[1:3]) > _SETTLED_NS:
            self._now[_name(path)] = {"is": marks, "told": told}

    def save(self) -> None:
        """Keeps what was asked for or noted, and forgets the rest."""
        if self._now == self._before:
            return
        owner_only(self._file.parent)
        fresh = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        fresh.write_text(json.dumps(self._now))
        fresh.chmod(0o600)
        fresh.replace(self._file)


def _name(path: Path) -> str:
    """A path's hash: a photo is often named after whom it shows, and leaves no trace here."""
    return hashlib.sha256(str(path).encode()).hexdigest()


def _marks(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
