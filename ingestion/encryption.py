"""Files encrypted under a key from the environment: read and written piece by piece, whole or not at all.

In: a file, and the key that `privacy.landing_key` in programme.yml names. Out: the same file encrypted, or in
clear again, or a fault. Which files are encrypted, and where they lie, is decided elsewhere.

A file is a header (mark, key's id, salt) and pieces of 1 MiB under AES-256-GCM. Each file has a key of its
own, derived by HKDF-SHA256 from the landing's key and the salt, so that nonces can be counters: the number of
the piece, and whether it is the last one, without which a file could be cut off or its pieces swapped. The
text in the environment must be random (see the remedy): it is derived from, not stretched like a password.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.door.pseudonyms import MAKE_A_KEY
from ingestion.export_fault import ExportFault
from ingestion.programme.model import Programme

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MARK = b"sitewise sealed 1\n"
_ID_BYTES = 6
_SALT_BYTES = 16
_TAG_BYTES = 16
_PIECE_BYTES = 1 << 20
_SHORTEST_KEY = 32


@dataclass(frozen=True)
class LandingKey:
    """The key of a landing.

    Attributes:
        root: What files' keys are derived from.
        naming: What contents' addresses are derived from.
        key_id: A name for the key that does not give it away.
    """

    root: bytes
    naming: bytes
    key_id: str

    def address(self, sha256: str) -> str:
        """The address of a content, which tells nobody without the key what the content is."""
        return hmac.digest(self.naming, bytes.fromhex(sha256), "sha256").hex()


def landing_key(programme: Programme) -> LandingKey | None:
    """The key of the landing from the environment; None where the programme names none.

    Raises:
        ExportFault: The variable is not set, or too short to be a key.
    """
    if (secret := programme.privacy.landing_key) is None:
        return None
    text = os.environ.get(secret.env, "").strip()
    if len(text) < _SHORTEST_KEY:
        state = "is not set" if not text else f"is shorter than {_SHORTEST_KEY} characters"
        raise ExportFault(
            "programme.yml",
            f"the landing is to be encrypted, but the environment variable {secret.env} {state}",
            f"make a key once with {MAKE_A_KEY}, keep it safe, and set {secret.env} to it for every run; "
            "what was landed under it cannot be read without it",
        )
    root, naming, name = (_derived(text.encode(), purpose) for purpose in (b"files", b"names", b"id"))
    return LandingKey(root, naming, name[:_ID_BYTES].hex())


def is_encrypted(path: Path) -> bool:
    """Whether a file is one that `encrypt` wrote."""
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK


def encrypt(origin: Path, target: Path, key: LandingKey) -> None:
    """Writes a file's encrypted form, for the owner alone."""
    salt = os.urandom(_SALT_BYTES)
    head = _MARK + bytes.fromhex(key.key_id) + salt
    cipher = _cipher(key, salt)
    with origin.open("rb") as clear, target.open("wb") as sealed:
        target.chmod(0o600)
        sealed.write(head)
        count, piece = 0, clear.read(_PIECE_BYTES)
        while True:
            following = clear.read(_PIECE_BYTES)
            sealed.write(cipher.encrypt(_nonce(count, not following), piece, head))
            if not following:
                return
            count, piece = count + 1, following


def decrypt(origin: Path, target: Path, key: LandingKey) -> str:
    """Writes a file in clear again, for the owner alone.

    Returns:
        SHA-256 of what was written, hexadecimal.

    Raises:
        ExportFault: The file is under another key, or is not what was encrypted; what was written of it by
            then must not be used.
    """
    from cryptography.exceptions import InvalidTag

    digest = hashlib.sha256()
    with origin.open("rb") as sealed, target.open("wb") as clear:
        target.chmod(0o600)
        head = sealed.read(len(_MARK) + _ID_BYTES + _SALT_BYTES)
        key_id = head[len(_MARK) : -_SALT_BYTES].hex()
        if len(key_id) == len(key.key_id) and key_id != key.key_id:
            raise ExportFault(
                origin.name,
                f"it was encrypted with another key (id {key_id}) than the one that is set (id {key.key_id})",
                "set the variable that privacy.landing_key names to the former key",
            )
        cipher = _cipher(key, head[-_SALT_BYTES:])
        count, piece = 0, sealed.read(_PIECE_BYTES + _TAG_BYTES)
        while True:
            following = sealed.read(_PIECE_BYTES + _TAG_BYTES)
            try:
                plain = cipher.decrypt(_nonce(count, not following), piece, head)
            except InvalidTag:
                raise ExportFault(
                    origin.name,
                    "the landed original was cut off or changed",
                    "restore the landing from a backup, or pull the source again",
                ) from None
            digest.update(plain)
            clear.write(plain)
            if not following:
                return digest.hexdigest()
            count, piece = count + 1, following


def _nonce(count: int, is_last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([is_last])


def _cipher(key: LandingKey, salt: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(_derived(key.root, b"one file", salt))


def _derived(key: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt, b"sitewise landing: " + purpose).derive(key)
