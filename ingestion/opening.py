"""Landed originals, opened for reading: checked to be what landed, and in clear for as long as they are read.

In: originals, and the landing's key if it has one. Out: paths. Encrypted originals are decrypted into a
folder for the owner alone, in memory where there is room, else in the home; it is removed afterwards, and
what a killed process left of it by the next that opens anything. Nothing is fetched or read into cells here.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psutil

from ingestion.encryption import LandingKey, decrypt, is_encrypted
from ingestion.export_fault import ExportFault
from ingestion.landing import address, landed_hash, landed_path
from ingestion.receipt import LandedOriginal

_MEMORY = Path("/dev/shm")
_PREFIX = ".stage-opened-"


@contextmanager
def opened(
    home: Path, source: str, originals: Sequence[LandedOriginal], key: LandingKey | None
) -> Iterator[list[Path]]:
    """Where originals can be read, in their order, while the context lasts.

    Args:
        home: SITEWISE_HOME.
        source: The source's id.
        originals: The originals.
        key: The landing's key, if it has one.

    Raises:
        ExportFault: One is gone, was changed, or is encrypted under another key or none that is known.
    """
    paths = [landed_path(home, source, original) for original in originals]
    for original, path in zip(originals, paths, strict=True):
        if not path.is_file():
            raise _lost(home, original, path)
    sealed = {place for place, path in enumerate(paths) if is_encrypted(path)}
    if sealed and key is None:
        raise ExportFault(
            originals[min(sealed)].name,
            "the landed original is encrypted, but programme.yml names no key",
            "add privacy: {landing_key: {env: SITEWISE_LANDING_KEY}} with the key that was in use",
        )
    with _private_folder(home, sum(originals[place].bytes for place in sealed)) as folder:
        for place, original in enumerate(originals):
            if place in sealed and key is not None:
                clear = folder / str(place) / original.name
                clear.parent.mkdir(mode=0o700)
                content = decrypt(paths[place], clear, key)
                is_same = address(content, key) == original.sha256
            else:
                clear = paths[place]
                content = landed_hash(clear)
                is_same = original.sha256 in (content, address(content, key))
            if not is_same:
                raise _lost(home, original, paths[place])
            paths[place] = clear
        yield paths


def _lost(home: Path, original: LandedOriginal, path: Path) -> ExportFault:
    return ExportFault(
        original.name,
        "the landed original is gone or was changed",
        f"restore {path.relative_to(home)} from a backup, or pull the source again",
    )


@contextmanager
def _private_folder(home: Path, count_bytes: int) -> Iterator[Path]:
    """A folder for the owner alone with room for so many bytes."""
    _sweep(home)
    roomy = _MEMORY.is_dir() and 2 * count_bytes < min(
        shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available
    )
    folder = Path(mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_MEMORY if roomy and count_bytes else home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(home: Path) -> None:
    """Removes what processes that are no more have left; their ids are in the folders' names."""
    for place in (_MEMORY, home):
        for folder in place.glob(f"{_PREFIX}*"):
            owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
            is_own = folder.stat().st_uid == os.getuid()
            if is_own and owner.isdecimal() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)
