"""The one writer: a lock on the home, and what its holder clears away first.

In: a home. Out: exclusive hold of it, freed by the operating system when the process ends, however it ends.
Dead runs in Dagster's storage are reaped in reap.py; nothing here knows what a night does.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout


class HomeHeld(RuntimeError):
    """Another process holds the home; the message names it and the remedy."""


@contextmanager
def hold_home(home: Path, purpose: str) -> Iterator[None]:
    """Holds the home for one writer, and first sweeps away what a killed writer left behind.

    Args:
        home: the deployment's folder.
        purpose: what the holder does, shown to whoever is turned away.

    Raises:
        HomeHeld: another process holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / "sitewise.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise HomeHeld(_held_message(home)) from None
    holder = home / "sitewise.lock.json"
    try:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        holder.write_text(json.dumps({"pid": os.getpid(), "since": started, "purpose": purpose}))
        sweep(home)
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _held_message(home: Path) -> str:
    who = "another process"
    remedy = "wait for it to end"
    with suppress(FileNotFoundError, json.JSONDecodeError, KeyError):
        holder = json.loads((home / "sitewise.lock.json").read_text())
        who = f"process {holder['pid']} ({holder['purpose']}, since {holder['since']})"
        remedy = f"wait for it to end; if it is stuck, `kill {holder['pid']}` frees the home"
    return f"{home} is being written by {who}. Remedy: {remedy}."


def sweep(home: Path) -> list[Path]:
    """Removes half-made releases and temporary files of a killed writer; call it only under the lock.

    Returns:
        What was removed.
    """
    leftovers = [
        *home.glob("releases/.stage-*"),
        *home.glob("releases/.current-*"),
        *(folder for folder in home.glob("releases/[!.]*") if _is_half_release(folder)),
        *home.glob("lake/.arriving-*"),
        *home.glob("lake/.versions/.arriving-*"),
        *home.glob(".stage-*"),
    ]
    for path in leftovers:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return leftovers


def _is_half_release(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and not (folder / "manifest.json").exists()
