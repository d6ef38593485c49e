"""The lake: the current rows of every source as Parquet, all text, replaced as a whole or not at all.

`lake/<source>` is a symlink to `lake/.versions/<source>-<hash12>/`, where hash12 heads the hash of all input.
The version before stays until the next. In: tables of text. Out: files whose bytes depend on the tables
alone. They are packed for speed, not size: a lake is written and read every night, and made again from the
landing whenever it is lost.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from ingestion.hashing_behind import hashing_behind
from ingestion.landing import file_hash, flush, owner_only
from ingestion.receipt import LakeTable
from ingestion.unchanged import Seen

QUARANTINE = "_quarantine"
PARENT_TABLE = "sitewise.parent_table"
# Groups of this size are the fastest to write. The least and largest cell of each take longer to find than
# they save a reader, since rows are in no order of their cells.
_GROUP_ROWS = 50_000
_STATISTICS = {"null_count": True, "min": False, "max": False}


@contextmanager
def staging(home: Path, source: str) -> Iterator[Path]:
    """A fresh folder beside a source's versions, in which the next one is written; removed if it is not."""
    versions = owner_only(home / "lake" / ".versions")
    fresh = Path(mkdtemp(prefix=f".arriving-{source}-", dir=versions))
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def stage(
    rows: pl.LazyFrame, into: Path, name: str, row_count: int, parent_table: str | None = None
) -> LakeTable:
    """Streams one table into a folder that is being staged, down to the disk.

    Args:
        rows: Its rows, of the given number.
        into: The folder.
        name: The table's name.
        row_count: Number of its rows.
        parent_table: For a repeat: the table its parents stand in; the file itself tells it too.
    """
    file = into / f"{name}.parquet"
    # A fixed size, since by default it follows the number of cores, and bytes are to follow from rows alone.
    with hashing_behind(file) as hashed:
        rows.sink_parquet(
            file,
            compression="lz4",
            statistics=_STATISTICS,
            row_group_size=_GROUP_ROWS,
            metadata={PARENT_TABLE: parent_table} if parent_table else None,
        )
    file.chmod(0o600)
    flush(file)
    return LakeTable(table=name, row_count=row_count, sha256=hashed.result(), parent_table=parent_table)


def write_lake(home: Path, source: str, input_hash: str, staged: Path) -> None:
    """Moves a staged folder to its place as a version of a source's tables, and makes it current.

    A reader that opened the version before goes on reading it.
    """
    versions = home / "lake" / ".versions"
    flush(staged)
    version = _settle(versions, staged, f"{source}-{input_hash[:12]}")
    flush(versions)
    _point(home, source, version)


def lake_path(home: Path, source: str) -> Path | None:
    """The folder of a source's current version, or None if it has none."""
    link = home / "lake" / source
    return link.resolve() if link.is_symlink() and link.is_dir() else None


def holds(home: Path, source: str, input_hash: str, tables: list[LakeTable]) -> bool:
    """Whether the current version was made from this input and its files are the ones written then."""
    folder = lake_path(home, source)
    if folder is None or not tables or folder.name.partition(".")[0] != f"{source}-{input_hash[:12]}":
        return False
    seen = Seen(home, source, "lake")
    is_held = all(_is(folder / f"{table.table}.parquet", table.sha256, seen) for table in tables)
    seen.save()
    return is_held


def forget_former(home: Path, source: str) -> None:
    """Removes all versions of a source's tables but the current one, if it has one."""
    current = lake_path(home, source)
    for folder in (home / "lake" / ".versions").glob(f"{source}-*"):
        if folder.name.rpartition("-")[0] == source and folder != current:
            shutil.rmtree(folder)


def withdraw(home: Path, source: str) -> None:
    """Takes a source's current version out of the lake; its folder stays until the next version."""
    (home / "lake" / source).unlink(missing_ok=True)


def _is(file: Path, sha256: str, seen: Seen) -> bool:
    if not file.is_file():
        return False
    known = seen.told(file)
    if known is None:
        marks = seen.marks(file)
        known = file_hash(file)
        seen.note(file, marks, known)
    return bool(known == sha256)


def _settle(versions: Path, fresh: Path, name: str) -> Path:
    """Gives a fresh folder its place; one already there is kept if it is the same, and never overwritten."""
    target, turn = versions / name, 1
    while target.exists():
        if _hashes(target) == _hashes(fresh):
            return target
        turn += 1
        target = versions / f"{name}.{turn}"
    fresh.rename(target)
    return target


def _point(home: Path, source: str, version: Path) -> None:
    """Swaps the symlink, then removes the versions older than the one before."""
    link = home / "lake" / source
    before = lake_path(home, source)
    arriving = link.with_name(f".arriving-{source}-{os.getpid()}")
    arriving.unlink(missing_ok=True)
    arriving.symlink_to(Path(".versions", version.name), target_is_directory=True)
    arriving.replace(link)
    flush(link.parent)
    for folder in version.parent.iterdir():
        is_own = folder.name.rpartition("-")[0] in (source, f".arriving-{source}")
        if is_own and folder not in (version, before) and (before != version or folder.name.startswith(".")):
            shutil.rmtree(folder, ignore_errors=True)


def _hashes(folder: Path) -> dict[str, str]:
    return {file.name: file_hash(file) for file in sorted(folder.iterdir())}
