"""A landing that lay in clear is encrypted once it has a key: originals, then the receipts that name them.

In: a source's landing and the key. Out: the same, its originals encrypted at their keyed addresses, nothing
in clear beside them. A process that dies on the way is caught up with by the next pull. What was written to
the disk in clear may still be found on it by those who search its free blocks.
"""

import shutil
from pathlib import Path

from ingestion.consent.redaction_log import addressed_anew, lines
from ingestion.encryption import LandingKey, is_encrypted
from ingestion.landing import SEALED, address, file_hash, flush, read_receipts, settle, write_receipt


def seal(home: Path, source: str, key: LandingKey) -> None:
    """Encrypts what a source has landed in clear; costs nothing once that is done.

    Args:
        home: SITEWISE_HOME.
        source: The source's id.
        key: The landing's key.
    """
    folder = home / "landing" / source
    mark = folder / SEALED
    if not folder.exists() or (mark.exists() and mark.read_text() == key.key_id):
        return
    moved: dict[str, str] = {}
    for path in sorted(folder.glob("[!.]*/*")):
        if path.parent.name == "receipts" or is_encrypted(path):
            continue
        moved[path.parent.name] = address(file_hash(path), key)
        target = folder / moved[path.parent.name] / path.name
        if not target.exists():
            copy = folder / ".arriving-seal" / path.name
            copy.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(path, copy)
            settle(copy, target, key)
    # Contents that were redacted are here no more, but receipts and the log name them.
    redacted = {line.old for line in lines(home) if line.source == source and not line.sealed}
    renamed = {gone: address(gone, key) for gone in redacted} | moved
    for receipt in list(read_receipts(home, source)):
        originals = [
            each.model_copy(
                update={
                    "sha256": renamed.get(each.sha256, each.sha256),
                    "redacted_from": renamed.get(each.redacted_from or "", each.redacted_from),
                }
            )
            for each in receipt.originals
        ]
        if originals != receipt.originals:
            write_receipt(home, receipt.model_copy(update={"originals": originals}))
    addressed_anew(home, source, key.key_id, lambda before: address(before, key))
    for before in moved:
        shutil.rmtree(folder / before)
    shutil.rmtree(folder / ".arriving-seal", ignore_errors=True)
    mark.write_text(key.key_id)
    mark.chmod(0o600)
    flush(folder)
