"""The landing: originals as they came, kept by content and never changed, and a receipt for every pull.

`landing/<source>/<address>/<original name>` and `landing/<source>/receipts/<receipt_id>.json`, for the
owner's eyes only. The address is the content's SHA-256, or, where the landing has a key, an HMAC of it:
whoever copies the disk can then not even confirm a guess. Under a key, originals lie encrypted (one is in
clear only on its way in); names, sizes and receipts do not. In: originals and receipts. Out: the same, found
again. Nothing is read into cells here.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from ingestion.consent.redaction_log import known_on_arrival, now_at
from ingestion.encryption import LandingKey, encrypt
from ingestion.export_fault import ExportFault
from ingestion.platforms.protocol import Kind
from ingestion.receipt import LandedOriginal, Receipt
from ingestion.rows.export_order import time_of

# States of a pull whose originals are those of the lake.
SERVED = ("landed", "unchanged")
# Says under which key everything that a source landed is encrypted.
SEALED = ".sealed"
_CHUNK_BYTES = 1 << 20
_just_landed: dict[Path, tuple[tuple[int, ...], str]] = {}


def land(
    home: Path,
    source: str,
    name: str,
    write: Callable[[Path], object],
    kind: Kind = "data",
    exported_at: str | None = None,
    key: LandingKey | None = None,
) -> LandedOriginal:
    """Lands one original; the same content under the same name is stored once.

    A content that was redacted before does not land again: what took its place is given back.

    Args:
        home: SITEWISE_HOME.
        source: The source's id.
        name: The original's name.
        write: Writes the original to the path it is given; text that it returns is the SHA-256 of that.
        kind: What it holds.
        exported_at: Time of its export, where its name does not tell it.
        key: The landing's key, if it has one.

    Raises:
        ExportFault: The name is not one that a file can have.
        OSError: The disk is full, or not the owner's.
    """
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise ExportFault(
            source, "an original has a name that no file can have", "rename it, then pull again"
        )
    folder = owner_only(home / "landing" / source)
    if key is None:
        (folder / SEALED).unlink(missing_ok=True)
    for stale in folder.glob(".arriving-*"):
        shutil.rmtree(stale)
    with TemporaryDirectory(prefix=".arriving-", dir=folder) as arriving:
        fresh = Path(arriving, "original")
        told = write(fresh)
        fresh.chmod(0o600)
        hashed = file_hash if key else flushed_hash
        sha256 = told if isinstance(told, str) else hashed(fresh)
        original = LandedOriginal(
            name=name,
            sha256=address(sha256, key),
            bytes=fresh.stat().st_size,
            kind=kind,
            exported_at=exported_at,
        )
        if (redacted := known_on_arrival(home, source, original)) is not None:
            return redacted
        target = landed_path(home, source, original)
        if not target.exists():
            settle(fresh, target, key)
            if key is None:
                _just_landed[target] = (_marks(target), sha256)
    return original


def landed_hash(path: Path) -> str:
    """SHA-256 of a landed file; one that this process has just landed is not read for it a second time."""
    marks, sha256 = _just_landed.pop(path, (None, ""))
    return sha256 if marks == _marks(path) else file_hash(path)


def settle(fresh: Path, target: Path, key: LandingKey | None) -> None:
    """Gives a fresh file its place in the landing, encrypted where there is a key."""
    owner_only(target.parent)
    if key:
        sealed = fresh.with_name("sealed")
        encrypt(fresh, sealed, key)
        fresh = sealed
    flush(fresh)
    fresh.rename(target)
    flush(target.parent)
    flush(target.parent.parent)


def address(sha256: str, key: LandingKey | None) -> str:
    """Under which name a content lies in the landing."""
    return key.address(sha256) if key else sha256


def landed_path(home: Path, source: str, original: LandedOriginal) -> Path:
    """Where an original lies."""
    return home / "landing" / source / original.sha256 / original.name


def write_receipt(home: Path, receipt: Receipt) -> Path:
    """Stores a receipt, whole or not at all."""
    folder = owner_only(home / "landing" / receipt.source / "receipts")
    target = folder / f"{receipt.receipt_id}.json"
    fresh = folder / f".{receipt.receipt_id}.arriving"
    fresh.write_text(receipt.model_dump_json(indent=1) + "\n", encoding="utf-8")
    fresh.chmod(0o600)
    flush(fresh)
    fresh.rename(target)
    flush(folder)
    return target


def read_receipts(home: Path, source: str) -> Iterator[Receipt]:
    """The receipts of a source, newest first, read one by one."""
    for file in sorted((home / "landing" / source / "receipts").glob("*.json"), reverse=True):
        yield Receipt.model_validate_json(file.read_bytes())


def last_receipt_id(home: Path, source: str) -> str:
    """The id of a source's newest receipt; empty if it has none."""
    return max((file.stem for file in (home / "landing" / source / "receipts").glob("*.json")), default="")


def last_served(home: Path, source: str) -> Receipt | None:
    """The latest receipt of a pull whose rows are in the lake."""
    return next((receipt for receipt in read_receipts(home, source) if receipt.state in SERVED), None)


def last_full(home: Path, source: str) -> Receipt | None:
    """The latest receipt of a good pull that asked for everything."""
    served = (receipt for receipt in read_receipts(home, source) if receipt.state in SERVED)
    return next((receipt for receipt in served if receipt.mode == "snapshot"), None)


def served_originals(home: Path, source: str, mode: str) -> list[LandedOriginal]:
    """The originals a source's lake is made of, in the order of pulling, each content once.

    Args:
        home: SITEWISE_HOME.
        source: The source's id.
        mode: `snapshot`: those of the last good pull; `delta`: of all good pulls since the last snapshot.

    Where one was redacted since its receipt was written, what took its place is told.
    """
    pulls: list[list[LandedOriginal]] = []
    for receipt in read_receipts(home, source):
        if receipt.state not in SERVED:
            continue
        pulls.append(receipt.originals)
        if "snapshot" in (receipt.mode, mode):
            break
    return each_once([now_at(home, source, original) for pull in reversed(pulls) for original in pull])


def each_once(originals: Sequence[LandedOriginal]) -> list[LandedOriginal]:
    """Each content once: as it was exported last, or, where no time of export is known, as it first came.

    The same content can come again after another, when an edit was taken back; then it is the newest. Of
    attachments, two with the same content are two, since answers name each.
    """
    by_hash: dict[tuple[str, str], LandedOriginal] = {}
    for original in originals:
        content = (original.came_as, original.name if original.kind == "attachment" else "")
        known = by_hash.get(content)
        if known and time_of(original) and (time_of(known), known.name) <= (time_of(original), original.name):
            del by_hash[content]
        by_hash.setdefault(content, original)
    return list(by_hash.values())


def latest_receipts(home: Path) -> dict[str, Receipt]:
    """The latest receipt of every source that was ever pulled, by source."""
    sources = sorted(folder.parent.name for folder in (home / "landing").glob("*/receipts"))
    newest = {source: next(read_receipts(home, source), None) for source in sources}
    return {source: receipt for source, receipt in newest.items() if receipt is not None}


def owner_only(folder: Path) -> Path:
    """Creates a folder and its parents below the home, readable by their owner alone."""
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(mode=0o700, exist_ok=True)
    return folder


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def flushed_hash(path: Path) -> str:
    """SHA-256 of a file that goes down to the disk meanwhile, which takes about as long."""
    with ThreadPoolExecutor(1) as beside:
        hashed = beside.submit(file_hash, path)
        flush(path)
    return hashed.result()


def _marks(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def flush(path: Path) -> None:
    """Waits until a file's content, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
