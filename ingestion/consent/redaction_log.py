"""What became of originals that held people who withdrew: which content took the place of which, and when.

`landing/redactions.jsonl`, one line for every original that was rewritten or removed. In: lines. Out: where
an original is found now; whether one that is delivered again is known already; when people who have withdrawn
since were still in the lake. No content is read or changed here.
"""

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from ingestion.receipt import LandedOriginal


@dataclass(frozen=True)
class Line:
    """One original that was redacted.

    Attributes:
        source: The source.
        name: The original's name.
        old: Address of the content that is gone.
        new: Address of what took its place; None where it was removed, since no pull has ever served it.
        bytes: Size of what took its place.
        rows: Rows of people who withdrew that were taken out, over all tables.
        at: When, ISO 8601 UTC.
        withdrawals: Hashes of the withdrawals for which it was done.
        served_from: Time of the first pull after which the lake was made of the old content, if it ever was.
        served_until: Time until which it was.
        stands: Whether the old content, delivered again, is to be replaced at once.
        sealed: Id of the landing's key that the addresses are made with, empty where there is none.
    """

    source: str
    name: str
    old: str
    new: str | None
    bytes: int
    rows: int
    at: str
    withdrawals: tuple[str, ...] = ()
    served_from: str | None = None
    served_until: str | None = None
    stands: bool = True
    sealed: str = ""

    @staticmethod
    def file(home: Path) -> Path:
        """Where the lines are."""
        return home / "landing" / "redactions.jsonl"

    def write(self, home: Path) -> None:
        """Adds the line."""
        file = self.file(home)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, (json.dumps(asdict(self)) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    @staticmethod
    def stand_no_more(home: Path, withdrawals: Collection[str]) -> None:
        """Has what was redacted for these withdrawals land again as it is, should it be delivered again."""
        _rewrite(
            home,
            lambda line: replace(line, stands=line.stands and set(line.withdrawals).isdisjoint(withdrawals)),
        )


def lines(home: Path) -> tuple[Line, ...]:
    """All lines, oldest first."""
    return _read(*_version(home))


def now_at(home: Path, source: str, original: LandedOriginal) -> LandedOriginal:
    """The original, or, where its content is gone, the one that took its place."""
    places = _places(*_version(home))
    while line := places.get((source, original.sha256, original.name)):
        if line.new is None or (home / "landing" / source / original.sha256 / original.name).exists():
            break
        original = _successor(original, line)
    return original


def known_on_arrival(home: Path, source: str, original: LandedOriginal) -> LandedOriginal | None:
    """What has taken the place of this content already, where that still stands."""
    line = _places(*_version(home)).get((source, original.sha256, original.name))
    if line is None or not line.stands or line.new is None:
        return None
    return now_at(home, source, _successor(original, line))


def held_between(home: Path) -> Iterator[tuple[str, str]]:
    """The spans of time in which the lake held people who have withdrawn since, ISO 8601 UTC."""
    for line in lines(home):
        if line.rows and line.served_from and line.served_until and line.stands:
            yield line.served_from, line.served_until


def addressed_anew(home: Path, source: str, key_id: str, address: Callable[[str], str]) -> None:
    """Gives the contents of a source that lay in clear their addresses under a landing's key."""

    def sealed(line: Line) -> Line:
        if line.source != source or line.sealed:
            return line
        new = None if line.new is None else address(line.new)
        return replace(line, old=address(line.old), new=new, sealed=key_id)

    _rewrite(home, sealed)


def put_whole(path: Path, content: str) -> None:
    """Writes a small file for the owner's eyes, whole or not at all, down to the disk."""
    fresh = path.with_name(f".{path.name}.arriving")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _successor(original: LandedOriginal, line: Line) -> LandedOriginal:
    first = original.redacted_from or original.sha256
    return original.model_copy(update={"sha256": line.new, "bytes": line.bytes, "redacted_from": first})


def _rewrite(home: Path, change: Callable[[Line], Line]) -> None:
    before = lines(home)
    after = [change(line) for line in before]
    if after != list(before):
        put_whole(Line.file(home), "".join(json.dumps(asdict(line)) + "\n" for line in after))


def _version(home: Path) -> tuple[str, int, int]:
    """The file as it is now: size and time tell whether it was read before."""
    file = Line.file(home)
    try:
        stat = file.stat()
    except FileNotFoundError:
        return str(file), 0, 0
    return str(file), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=4)
def _read(file: str, size: int, mtime_ns: int) -> tuple[Line, ...]:
    if not size:
        return ()
    # A line that is still being written has no end yet.
    whole = Path(file).read_bytes()[:size].rpartition(b"\n")[0]
    read = [json.loads(line) for line in whole.splitlines()]
    return tuple(Line(**line | {"withdrawals": tuple(line["withdrawals"])}) for line in read)


@lru_cache(maxsize=4)
def _places(file: str, size: int, mtime_ns: int) -> Mapping[tuple[str, str, str], Line]:
    return {(line.source, line.old, line.name): line for line in _read(file, size, mtime_ns)}
